"""What was read of memories is kept for as long as it is what they are, and no more than fits."""

from polymem.storage.search import row_cache, token_cache
from tests.storage.search.reference import row


def test_what_was_read_is_known_until_the_memory_changes() -> None:
    cache = token_cache(1 << 20)
    cache.put_many("o", "words", [("a", 1, b"one"), ("b", 2, b"")])
    assert cache.get_many("o", "words", {"a": 1, "b": 2, "c": 3}) == {"a": b"one", "b": b""}
    assert cache.get_many("o", "words", {"a": 4}) == {}
    cache.put_many("o", "words", [("a", 4, b"four")])
    assert cache.get_many("o", "words", {"a": 4}) == {"a": b"four"}
    assert cache.get_many("o", "words", {"a": 1}) == {}


def test_organizations_and_spaces_know_nothing_of_each_other() -> None:
    cache = token_cache(1 << 20)
    cache.put_many("o", "words", [("a", 1, b"one")])
    assert cache.get_many("p", "words", {"a": 1}) == {}
    assert cache.get_many("o", "other", {"a": 1}) == {}


def test_what_was_asked_for_longest_ago_makes_room_within_the_budget() -> None:
    cache = token_cache(3000)
    for name in "abc":
        cache.put_many("o", "words", [(name, 1, bytes(500))])
    assert cache.get_many("o", "words", {"a": 1})
    cache.put_many("o", "words", [("d", 1, bytes(500))])
    assert set(cache.get_many("o", "words", dict.fromkeys("abcd", 1))) == {"a", "c", "d"}
    assert cache.nbytes <= 3000


def test_dropping_gives_back_all_that_was_taken() -> None:
    cache = row_cache(1 << 20)
    for organization in ("o", "p"):
        cache.put_many(organization, "model", [(f"m{n}", n, row(f"m{n}", n, "kayak")) for n in range(5)])
    cache.drop("o")
    assert cache.get_many("o", "model", {"m1": 1}) == {}
    assert len(cache.get_many("p", "model", {"m1": 1, "m2": 2})) == 2
    cache.drop()
    assert cache.nbytes == 0
