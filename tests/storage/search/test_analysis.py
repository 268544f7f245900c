"""Which texts a query finds, and the form in which terms are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polymem.storage.search import ANALYSIS_VERSION, Terms, analyse, is_current
from polymem.storage.search.analysis import analyse_query, fold


def matches(asked: str, text: str) -> bool:
    """Whether a text contains every plain word asked for, and of each name at least one form."""
    contained = set(analyse(text).ids)
    sought = analyse_query(asked)
    groups: dict[object, bool] = {}
    for term, group in zip(sought.ids, sought.groups, strict=True):
        key = ("word", term) if group < 0 else group
        groups[key] = groups.get(key, False) or term in contained
    return bool(groups) and all(groups.values())


def contains_whole(asked: str, text: str) -> bool:
    """Whether every form asked for is there."""
    sought = analyse_query(asked).ids
    return bool(sought) and set(sought) <= set(analyse(text).ids)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("run", "She was running."),
        ("Caroline", "It is Caroline's idea"),
        ("cafe resume", "Café, résumé"),
        ("CAFÉ", "cafe\u0301"),
        ("strasse lodz", "Straße in Łódź"),
        ("8 May", "on the 8th of May"),
        ("1000", "it costs 1,000 euros"),
        ("7", "agent 007"),
        ("USA", "the U.S.A. team"),
        ("phone", "my iPhone15"),
        ("python 3", "python3"),
        ("main.py", "see src/app/main.py:12"),
        ("example.com", "write to bob@example.com"),
        ("self care", "self-care"),
        ("O'Brien", "Miles O’Brien"),
        ("C++", "ported from C++ to Rust"),
        ("東京", "東京タワーへ行く"),
        ("猫", "白猫がいる"),
        ("책", "책을 읽다"),
        ("ガラス", "ｶﾞﾗｽの靴"),
        ("ครับ", "สวัสดีครับ"),
        ("भाषा", "हिन्दी भाषा"),
        ("محمد", "مُحَمَّد"),
        ("москва", "Я живу: МОСКВА"),
        ("the US economy", "The US economy grew"),
        ("to be or not to be", "To be, or not to be?"),
        ("🎉 party", "party 🎉"),
    ],
)
def test_a_query_finds_the_text_whatever_its_written_form(asked: str, text: str) -> None:
    assert matches(asked, text)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("E1234", "error E1235"),
        ("tell us", "The US economy"),
        ("猫", "犬がいる"),
        ("AI", "that ain't it"),
        ("who are you", "a tower"),
        ("", "anything"),
        ("?!", "anything?!"),
    ],
)
def test_a_query_does_not_find_what_only_looks_alike(asked: str, text: str) -> None:
    assert not matches(asked, text)


@pytest.mark.parametrize(
    "name",
    [
        "src/app/main.py",
        "E1234",
        "v2.3.1",
        "snake_case",
        "camelCase",
        "foo-bar",
        "XMLHttpRequest",
        "__init__",
        "550e8400-e29b-41d4-a716-446655440000",
        "bob.smith@example.com",
        "https://example.com/a/b?x=1",
        "polymem==1.2.3",
        "std::vector",
        "10:30",
        "2023-05-08",
        "3.14",
        "C#",
    ],
)
def test_a_name_that_programs_use_is_found_exactly(name: str) -> None:
    assert contains_whole(name, f"It says ({name}), twice.")
    assert not contains_whole(name, f"It says x{name}z")


def test_parts_of_a_name_are_words_and_the_whole_does_not_make_the_text_longer() -> None:
    assert analyse("src/app/main.py").length == 4
    assert analyse("plain words here").length == 2


def test_stop_words_are_left_out_unless_there_is_nothing_else() -> None:
    assert analyse("the tower of the city").length == 2
    assert analyse("of the").length == 2
    assert analyse_query("what is the tower").groups == (-1,)


def test_capitals_mark_an_acronym_only_in_a_text_that_does_not_shout() -> None:
    assert len(analyse("the IT tower").ids) == 2
    assert len(analyse("THE IT TOWER").ids) == 1


def test_a_long_text_without_spaces_is_taken_in() -> None:
    assert analyse("x" * 1_000_000).length == 1
    assert analyse("ab/" * 100_000 + "b").length == 100_001


@given(st.text())
def test_any_text_can_be_kept_and_finds_itself(text: str) -> None:
    terms = analyse(text)
    assert Terms.decode(terms.encode()) == terms
    assert list(terms.ids) == sorted(set(terms.ids))
    assert set(analyse_query(text).ids) <= set(terms.ids)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize("times", [1, 255, 256, 65_535, 65_536])
def test_counts_of_any_size_survive_the_encoding(times: int) -> None:
    terms = analyse("tower " * times + "garden")
    assert sorted(terms.counts) == sorted([1, times])
    assert Terms.decode(terms.encode()) == terms


def test_an_entry_says_by_which_analysis_it_was_made() -> None:
    entry = analyse("tower").encode()
    assert entry[0] == ANALYSIS_VERSION
    assert is_current(entry)
    assert not is_current(bytes([ANALYSIS_VERSION + 1]) + entry[1:])
    assert not is_current(b"")
    with pytest.raises(ValueError, match="another version"):
        Terms.decode(b"\0" + entry[1:])


def test_the_terms_of_a_word_never_change() -> None:
    # Entries are durable: other hashes would need another ANALYSIS_VERSION.
    assert analyse("running towers").ids == (9036265973936207881, 10773672743070944251)
