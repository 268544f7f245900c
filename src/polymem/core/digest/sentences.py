"""A text as units that can be kept or left out: sentences, list items, blocks of code. Pure functions."""

import re
from dataclasses import dataclass

MOST_CHARACTERS = 600
"""A unit longer than this (no full stop in sight) is cut between words."""

_FENCE = re.compile(r"^([`~]{3,}).*?^\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE)
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=\S)|(?<=[。！？])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|sr|jr|vs|etc|inc|ltd|co|corp|no|nr|fig|approx|dept|est|e\.g|i\.e|cf|al|"
    r"jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|[A-Z]|(?:[A-Za-z]\.)+[A-Za-z])\.[\"'”’)\]]*\s+$",
    re.IGNORECASE,
)
_CODE_LINE = re.compile(
    r"^(?:    |\t)\S|^(?:\$|>>>) \S|[;{}]\s*$|^\s*(?:def|class|import|from|return|SELECT|INSERT) \S"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a text. Code is never cut or changed."""

    text: str
    is_code: bool = False


def units(text: str) -> list[Unit]:
    """The units of a text, in order; nothing but white space is lost."""
    found: list[Unit] = []
    position = 0
    for fence in _FENCE.finditer(text):
        found += _of_prose(text[position : fence.start()])
        found.append(Unit(fence[0].strip("\n"), is_code=True))
        position = fence.end()
    return found + _of_prose(text[position:])


def _of_prose(text: str) -> list[Unit]:
    found: list[Unit] = []
    paragraph: list[str] = []

    def close() -> None:
        if paragraph:
            found.extend(Unit(part) for sentence in sentences(" ".join(paragraph)) for part in _cut(sentence))
            paragraph.clear()

    for line in text.splitlines():
        if not line.strip():
            close()
        elif _CODE_LINE.search(line):
            close()
            found.append(Unit(line.rstrip(), is_code=True))
        else:
            if _ITEM.match(line):
                close()
            paragraph.append(line.strip())
    close()
    return found


def sentences(text: str) -> list[str]:
    """The sentences of one paragraph. A full stop after an abbreviation, or inside code, ends none."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        head = text[start : end.end()]
        in_code = head.count("`") % 2 == 1 and "`" in text[end.end() :]
        if in_code or _ABBREVIATION.search(head) or _ITEM.fullmatch(head):
            continue
        found.append(head.strip())
        start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _cut(sentence: str) -> list[str]:
    parts = []
    while len(sentence) > MOST_CHARACTERS:
        space = sentence.rfind(" ", MOST_CHARACTERS // 2, MOST_CHARACTERS)
        end = space if space > 0 else MOST_CHARACTERS
        parts.append(sentence[:end].rstrip())
        sentence = sentence[end:].lstrip()
    return [*parts, sentence]
