import pytest
from hypothesis import given
from hypothesis import strategies as st

from polymem.core.digest.salient import is_decision, is_pleasantry, missing, salient, tightened
from polymem.core.digest.sentences import MOST_CHARACTERS, Unit, sentences, units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Lee met Mr. Fox at 3.5 km. It was late.", ["Dr. Lee met Mr. Fox at 3.5 km.", "It was late."]),
        ("Use e.g. tea. Or not.", ["Use e.g. tea.", "Or not."]),
        ('He said "Go." Then he went.', ['He said "Go."', "Then he went."]),
        ("我喜欢茶。他也是。", ["我喜欢茶。", "他也是。"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_say(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_code_and_lists_are_units_of_their_own() -> None:
    text = (
        "Do this\nfirst:\n- run `a. b`\n- wait. Then go.\n\n```py\nx = 1. \n\ny = 2\n```\nDone.\n    indented()\n$ make"
    )
    assert units(text) == [
        Unit("Do this first:"),
        Unit("- run `a. b`"),
        Unit("- wait."),
        Unit("Then go."),
        Unit("```py\nx = 1. \n\ny = 2\n```", is_code=True),
        Unit("Done."),
        Unit("    indented()", is_code=True),
        Unit("$ make", is_code=True),
    ]


@given(st.text(st.characters(codec="utf-8", exclude_characters="`~"), max_size=2000))
def test_nothing_but_white_space_is_lost(text: str) -> None:
    assert "".join("".join(unit.text.split()) for unit in units(text)) == "".join(text.split())


def test_a_text_without_an_end_is_cut_between_words() -> None:
    found = units("word " * 1000)
    assert len(found) > 5
    assert all(len(unit.text) <= MOST_CHARACTERS and unit.text.split()[-1] == "word" for unit in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We met Ana Lopez in Oslo.", {"Ana", "Lopez", "Oslo"}),
        ("It costs $1,200.50, about 3.5% of 40k.", {"$1,200.50", "3.5%", "40k"}),
        ("On 2026-01-31 at 10:30, or Friday in March", {"2026-01-31", "10:30", "Friday", "March"}),
        ("Set MAX_RETRIES and fooBar in src/app.py --force", {"MAX_RETRIES", "fooBar", "src/app.py", "--force"}),
        ("Then run `make all`, see https://a.b/c?d=1.", {"make all", "https://a.b/c?d=1"}),
        ("You mail bob@example.org, twelve times", {"bob@example.org", "twelve"}),
        ("The cat sleeps. It is warm and I'm glad.", set()),
    ],
)
def test_numbers_names_dates_and_code_are_salient(text: str, expected: set[str]) -> None:
    assert salient(text) == expected


def test_what_is_missing_is_found_whatever_its_case() -> None:
    assert missing(frozenset({"Ana", "40k"}), "ANA was there") == {"40k"}


@pytest.mark.parametrize("text", ["We decided to go", "You must never do that", "Let's ship it", "I'll do it"])
def test_decisions_and_promises_are_known(text: str) -> None:
    assert is_decision(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thanks a lot!", True),
        ("Hi there, how are you?", True),
        ("Great, Friday then!", False),
        ("Thanks to this we decided to go", False),
        ("The cat sleeps.", False),
    ],
)
def test_politeness_says_nothing(text: str, expected: bool) -> None:
    assert is_pleasantry(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, I think that it is just really late.", "It is late."),
        ("We ship, you know, on Monday.", "We ship on Monday."),
        ("so, um, we go", "we go"),
        ("Actually", "Actually"),
    ],
)
def test_fillers_go(text: str, expected: str) -> None:
    assert tightened(text) == expected


@given(st.text(max_size=300))
def test_tightening_loses_nothing_salient(text: str) -> None:
    assert salient(text.strip()) <= salient(tightened(text)) | salient(text.strip()) & set(tightened(text).split()) or (
        not missing(salient(text.strip()), tightened(text))
    )
