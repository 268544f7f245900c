"""Cuts long texts into the windows a model can read. Pure functions on lengths and strings."""

from collections.abc import Iterator

MAX_WINDOWS = 128
"""A text that would need more windows is sampled: see `spans`."""

PIECE_CHARACTERS = 4096
"""Long texts are tokenised in pieces: less memory per call, and other requests get their turn between."""


def spans(count: int, size: int, overlap: int, limit: int = MAX_WINDOWS) -> list[tuple[int, int]]:
    """Half-open ranges of at most `size` items over `count` items, the first at the start, the last at the end.

    Up to `limit` ranges cover everything and neighbours share at least `overlap` items; they are as
    short as that allows, so no range is a mere remainder of a few items. When `limit` ranges do not
    suffice, `limit` full ones are spread evenly, with gaps between them.
    """
    if count <= size:
        return [(0, count)]
    step = size - overlap
    needed = -(-(count - overlap) // step)
    if needed <= limit:
        length = -(-(count + overlap * (needed - 1)) // needed)
    else:
        needed, length = limit, size
    if needed == 1:
        return [(0, length)]
    last = count - length
    starts = (last * index // (needed - 1) for index in range(needed))
    return [(start, start + length) for start in starts]


def pieces(text: str, size: int = PIECE_CHARACTERS) -> Iterator[str]:
    """Cuts a text into consecutive pieces of at most `size` characters, before white space where there is some.

    Joined again they are the text. Words stay whole, so tokenising piece by piece gives the tokens of
    the whole text; only a run of `size` characters without white space is cut anywhere.
    """
    start = 0
    while len(text) - start > size:
        end = start + size
        cut = max(text.rfind(" ", start + 1, end + 1), text.rfind("\n", start + 1, end + 1))
        if cut == -1:
            cut = end
        yield text[start:cut]
        start = cut
    yield text[start:]


def passages(text: str, size: int, overlap: int, limit: int = MAX_WINDOWS) -> list[str]:
    """Windows for a model whose tokenizer is out of reach, measured in UTF-8 bytes, cut between characters.

    Bytes follow the number of tokens more closely than characters: about four to an English token,
    three to a Chinese character.
    """
    encoded = text.encode()
    if len(encoded) <= size:
        return [text]
    return [encoded[start:end].decode(errors="ignore") for start, end in spans(len(encoded), size, overlap, limit)]


def well_formed(text: str) -> str:
    """The text with lone surrogates, which no tokenizer and no JSON can carry, replaced by '?'."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
