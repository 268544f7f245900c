"""Whatever a text holds, it stays where it was put."""

import re

from hypothesis import given
from hypothesis import strategies as st

from polymem.core.quoting import clipped, fenced, inline, quoted, visible

HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\n\r\v\f\x1c\x1d\x85\u2028\u2029`~#>-*_[]<>!|\\ \u202e\u200b\ufeff"))
)
LINE_ENDS = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


@given(HOSTILE)
def test_every_line_of_a_quote_begins_with_its_mark(text: str) -> None:
    lines = LINE_ENDS.split(quoted(text, "  "))
    assert all(line.startswith("  >") for line in lines)
    assert quoted(text, "  ").splitlines() == lines


@given(HOSTILE)
def test_what_is_inline_is_one_line_that_means_nothing(text: str) -> None:
    line = inline(text, 200)
    assert line.splitlines() in ([], [line])
    assert not re.search(r"(?<!\\)(\\\\)*[`*\[\]<>#|~]", line)


@given(HOSTILE)
def test_nothing_inside_closes_a_fence(code: str) -> None:
    opening, *inside, closing = fenced(code, "python").split("\n")
    fence = opening.removesuffix("python")
    assert closing == fence
    assert set(fence) == {"`"}
    assert all(fence not in line for line in inside)


@given(HOSTILE)
def test_hidden_characters_are_shown(text: str) -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f\x1b\u200b]", visible(text))


@given(HOSTILE, st.integers(0, 50))
def test_clipping_keeps_the_beginning_within_its_tokens(text: str, most: int) -> None:
    def count(text: str) -> int:
        return -(-len(text.encode(errors="replace")) // 2)

    head = clipped(text, most, count)
    assert text.startswith(head)
    assert head == text or count(head) <= most


def test_code_is_kept_but_for_what_hides() -> None:
    assert fenced("a\n\n\n  b  \n", "c++") == "```c++\na\n\n\n  b  \n```"
    assert fenced("````", "x`\ny") == "`````xy\n````\n`````"


def test_an_ordinary_text_is_left_as_it_is() -> None:
    text = "Café naïve 日本語 👩‍💻 a_b 1 < 2"
    assert quoted(text) == f"> {text}"
    assert inline("a_b · c") == "a_b · c"
