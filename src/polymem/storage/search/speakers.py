"""Whether a query names the one whom a memory quotes."""

import re
from collections.abc import Sequence

from polymem.core.stopwords import STOP_WORDS
from polymem.storage.search.analysis import fold

_WORD = re.compile(r"[^\W_]+")


class NamedSpeakers(dict[int, bool]):
    """By number of a speaker, whether the query names it; worked out when first asked for.

    Any word of the name will do, in any case, with or without accents. A name that is also a stop word
    ("Will", "May") must be written with a capital inside the query: at its beginning the capital says nothing.
    """

    def __init__(self, query: str, speakers: Sequence[str]) -> None:
        super().__init__()
        self._speakers = speakers
        written = _WORD.findall(query)
        self._words = {fold(word) for word in written} - STOP_WORDS
        self._words.update(fold(word) for word in written[1:] if word[0].isupper())

    def __missing__(self, speaker: int) -> bool:
        parts = [fold(word) for word in _WORD.findall(self._speakers[speaker])]
        named = self[speaker] = any(len(part) > 1 and part in self._words for part in parts)
        return named
