from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from polymem.inference.windows import passages, pieces, spans, well_formed

text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300)


@given(count=st.integers(0, 20_000), size=st.integers(8, 300))
def test_windows_cover_everything_and_overlap_when_the_limit_allows(count: int, size: int) -> None:
    overlap = size // 8
    found = spans(count, size, overlap, limit=100_000)
    assert found[0][0] == 0
    assert found[-1][1] == count
    assert all(end - start <= size for start, end in found)
    assert all(right[0] + overlap <= left[1] for left, right in pairwise(found))


@given(count=st.integers(10_000, 2_000_000), limit=st.integers(1, 200))
def test_a_text_of_too_many_windows_is_sampled_evenly_from_start_to_end(count: int, limit: int) -> None:
    found = spans(count, 254, 32, limit)
    assert len(found) <= limit
    assert found[0][0] == 0
    assert limit == 1 or found[-1][1] == count
    gaps = [right[0] - left[0] for left, right in pairwise(found)]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_a_text_slightly_too_long_is_halved_rather_than_given_a_remainder_of_a_few_tokens() -> None:
    assert spans(300, 254, 32) == [(0, 166), (134, 300)]


def test_one_mebibyte_needs_no_more_than_the_documented_windows() -> None:
    assert len(spans(1 << 20, 254, 32)) == 128


@given(text=st.text(alphabet="ab \n\t漢", max_size=200), size=st.integers(1, 40))
def test_pieces_joined_are_the_text_and_words_stay_whole(text: str, size: int) -> None:
    found = list(pieces(text, size))
    assert "".join(found) == text
    assert all(len(piece) <= size for piece in found)
    for left, right in pairwise(found):
        assert right[0] in " \n" or not set(" \n") & set(left[1:] + right[0])


@given(text=text, size=st.integers(16, 60))
def test_passages_are_short_enough_and_lose_no_character(text: str, size: int) -> None:
    marked = "".join(chr(0x10000 + number) for number in range(len(text)))  # each character once, four bytes each
    found = passages(marked, size, overlap=8)
    assert all(len(passage.encode()) <= size for passage in found)
    assert "".join(sorted(set("".join(found)))) == marked
    assert all(passage in marked for passage in found)
    assert "".join(passages(text, 4 * len(text) + 1, overlap=8)) == text


@given(text=st.text(max_size=50) | st.text(alphabet="\ud800\udfffa"))
def test_well_formed_text_can_be_encoded_and_good_text_is_left_alone(text: str) -> None:
    result = well_formed(text)
    result.encode()
    assert len(result) == len(text)
    assert all(new in (old, "?") for old, new in zip(text, result, strict=True))
