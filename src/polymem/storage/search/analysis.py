"""Text to terms: what the keyword index keeps of a text and looks for in a query.

Words are casefolded, stripped of accents and, when plain English letters remain, stemmed (Snowball English,
PyStemmer); stop words are dropped. Names that programs use ("src/app/main.py", "E1234", "v2.3.1", "snake_case",
"camelCase", "foo-bar", addresses) are kept whole and in parts. Scripts written without spaces become character
bigrams. A term is known only by a 64-bit hash, so an entry is small and no vocabulary has to be kept.
"""

import hashlib
import re
import struct
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from polymem.core.stopwords import STOP_WORDS

ANALYSIS_VERSION = 1
"""First byte of every encoded entry. Raise it whenever the same text would give other terms."""

HEADER = struct.Struct("<BBI")
"""Version, bytes per count (1, 2 or 4), length; then the ids (8 bytes each, ascending) and the counts."""

_COUNT_CODES = {1: "B", 2: "H", 4: "I"}
_MAX_CACHED_CHARS = 64


@dataclass(frozen=True, slots=True)
class Terms:
    """The distinct terms of a text (64-bit hashes, ascending) with their counts.

    `length` is the number of words, stop words left out; names and bigrams kept a second time in another
    form do not add to it.
    """

    ids: tuple[int, ...]
    counts: tuple[int, ...]
    length: int

    def encode(self) -> bytes:
        """The entry the store keeps beside the memory: about nine bytes for a term."""
        most = max(self.counts, default=0)
        width = 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4
        size = len(self.ids)
        return HEADER.pack(ANALYSIS_VERSION, width, self.length) + struct.pack(
            f"<{size}Q{size}{_COUNT_CODES[width]}", *self.ids, *self.counts
        )

    @classmethod
    def decode(cls, entry: bytes) -> "Terms":
        """The inverse of `encode`. Raises ValueError for an entry of another analysis version."""
        if not is_current(entry):
            raise ValueError("The keyword entry was made by another version of the analysis.")
        _, width, length = HEADER.unpack_from(entry)
        size = (len(entry) - HEADER.size) // (8 + width)
        values = struct.unpack_from(f"<{size}Q{size}{_COUNT_CODES[width]}", entry, HEADER.size)
        return cls(values[:size], values[size:], length)


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """The distinct terms of a query. `groups[i]` is -1 for a plain word; terms that are the forms of one
    written name (whole and parts) share a number, and those of them that no memory contains may be ignored. `names` are
    the names among them that only programs write (paths, codes, versions), each as a whole."""

    ids: tuple[int, ...]
    groups: tuple[int, ...]
    names: tuple[int, ...] = ()


class _Forms(NamedTuple):
    """The terms of one written word: what counts as words, what is kept besides, what a stop word would be."""

    words: tuple[int, ...]
    extra: tuple[int, ...] = ()
    stopped: tuple[int, ...] = ()
    name: int | None = None


def is_current(entry: bytes) -> bool:
    """Whether an encoded entry was made by this version of the analysis."""
    return len(entry) >= HEADER.size and entry[0] == ANALYSIS_VERSION


def analyse(text: str) -> Terms:
    """The terms of a text to be found later. A text of nothing but stop words keeps them."""
    words: list[int] = []
    extra: list[int] = []
    stopped: list[int] = []
    for forms in _written_words(text, document=True):
        words += forms.words
        extra += forms.extra
        stopped += forms.stopped
    if not words:
        words = stopped
    counts = Counter(words)
    length = len(words)
    if extra:
        counts.update(extra)
    ids = sorted(counts)
    return Terms(tuple(ids), tuple([counts[id_] for id_ in ids]), length)


def analyse_query(text: str) -> QueryTerms:
    """The terms to look for. A query of nothing but stop words keeps them, and so finds such texts only."""
    groups: dict[int, int] = {}
    stopped: list[int] = []
    named: list[int] = []
    for number, forms in enumerate(_written_words(text, document=False)):
        if forms.extra:
            for id_ in forms.words + forms.extra:
                groups.setdefault(id_, number)
        else:
            groups.update(dict.fromkeys(forms.words, -1))
        stopped += forms.stopped
        if forms.name is not None:
            named.append(forms.name)
    if not groups:
        groups = dict.fromkeys(stopped, -1)
    ids = sorted(groups)
    return QueryTerms(tuple(ids), tuple([groups[id_] for id_ in ids]), tuple(dict.fromkeys(named)))


def fold(text: str) -> str:
    """Casefolded, compatibility forms made plain, accents, vowel points and kashida removed."""
    if text.isascii():
        return text.lower()
    # Twice, since either step may undo what the other achieved.
    for _ in range(2):
        text = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _POINTS.sub("", text).translate(_BARE_LETTERS))


# --- finding the written words ------------------------------------------------------------------

# Scripts written without spaces between words, and Hangul, whose particles cling to the noun.
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1100-\u11ff\u1780-\u17d3\u2e80-\u2fdf\u3005-\u3007"
    "\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3131-\u318e\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# Marks that belong to the letter before them; Python's \w leaves them out.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0900-\u0963\u0971-\u09e5\u0a01-\u0a65\u0a70-\u0ae5\u0b01-\u0b65"
    "\u0b82-\u0be5\u0c00-\u0c65\u0c80-\u0ce5\u0d00-\u0d65\u0d81-\u0df3\u0f71-\u0f84\u200d"
)
_POINTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_JOINT = r"(?:://|::|==|->|[-./\\:@+#&=?%~'’]|(?<=\d),(?=\d))"
_NAMED_SYMBOLS = r"\b[A-Za-z](?:\+\+|#)(?!\w)"
_ASCII_WORDS = re.compile(rf"{_NAMED_SYMBOLS}|\w+(?:{_JOINT}\w+)*")
_LETTER = rf"(?:[^\W{_UNSPACED}]|[{_MARKS}])"
_ANY_WORDS = re.compile(rf"[{_UNSPACED}]+|{_NAMED_SYMBOLS}|{_LETTER}+(?:{_JOINT}{_LETTER}+)*")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}]").match


def _written_words(text: str, *, document: bool) -> Iterable[_Forms]:
    if text.isupper():
        text = text.lower()  # in a text that shouts, capitals mark no acronym
    if text.isascii():
        for word in _ASCII_WORDS.findall(text):
            yield _forms(word) if len(word) <= _MAX_CACHED_CHARS else _forms.__wrapped__(word)
        return
    for word in _ANY_WORDS.findall(text):
        if _STARTS_UNSPACED(word):
            yield _bigrams(word, document)
        else:
            yield _forms(word) if len(word) <= _MAX_CACHED_CHARS else _forms.__wrapped__(word)


def _bigrams(run: str, document: bool) -> _Forms:
    """Pairs of neighbouring characters. A text keeps the single ones too, for queries of one character."""
    run = fold(run)
    if len(run) == 1:
        return _Forms((_term_id(run),))
    pairs = tuple([_term_id(run[i : i + 2]) for i in range(len(run) - 1)])
    return _Forms(pairs, tuple([_term_id(char) for char in run]) if document else ())


# --- the terms of one written word ----------------------------------------------------------------

_CONTRACTION = re.compile(r"n't$|'(?:s|re|ve|ll|d|m)$", re.IGNORECASE)
_ABBREVIATION = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)", re.IGNORECASE)
_LETTERS_AND_NUMBER = re.compile(r"([A-Za-z]{2,})(\d+)|(\d+)([A-Za-z]{2,})")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PROGRAMS_WRITE = re.compile(r"[\d_/\\.:@#=]|[a-z][A-Z]").search
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])(?!\d+(?:st|nd|rd|th)$)[A-Za-z\d]{3,}")
_SEPARATOR = re.compile(r"://|::|==|->|[/\\:@#&=?]")
_NOT_ALPHANUMERIC = re.compile(rf"(?:_|[^\w{_MARKS}])+")
_BARE_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


@lru_cache(maxsize=1 << 16)
def _forms(written: str) -> _Forms:
    if written.islower() and written.isascii() and written.isalpha() and written not in STOP_WORDS:
        return _Forms((_term_id(_stem(written)),))  # most words there are
    word = written.replace("’", "'")
    if fold(word) not in STOP_WORDS:
        word = _CONTRACTION.sub("", word)
    if _ABBREVIATION.fullmatch(word):
        return _plain(word.replace(".", ""))
    if _THOUSANDS.fullmatch(word):
        return _plain(word.replace(",", ""))
    pieces = [piece for run in _NOT_ALPHANUMERIC.split(word) if run for piece in _split_run(run)]
    if pieces == [word]:
        forms = _plain(word)
        return forms._replace(name=forms.words[0]) if _CODE.fullmatch(word) and forms.words else forms
    whole = fold(word)
    if whole in STOP_WORDS:
        return _Forms((), stopped=(_term_id(whole),))
    parts = [_plain(piece) for piece in pieces]
    words = tuple([id_ for part in parts for id_ in part.words])
    names = {_term_id(whole)}
    names.update(_term_id(fold(name)) for name in _SEPARATOR.split(word) if _NOT_ALPHANUMERIC.search(name))
    if not words:
        return _Forms((_term_id(whole),))
    name = _term_id(whole) if _PROGRAMS_WRITE(word) else None
    return _Forms(words, tuple(sorted(names.difference(words))), name=name)


def _split_run(run: str) -> list[str]:
    """camelCase into its words, and letters from a number beside them; a lone letter is no word."""
    if match := _LETTERS_AND_NUMBER.fullmatch(run):
        if _ORDINAL.fullmatch(run):
            return [run]
        return [piece for group in match.groups() if group for piece in _split_run(group)]
    if run.isascii() and run.isalpha() and not (run.islower() or run.isupper() or run.istitle()):
        return [piece for piece in _CAMEL.findall(run) if len(piece) > 1]
    return [run]


def _plain(word: str) -> _Forms:
    """A word without inner punctuation: a number, a stop word, or one to be stemmed."""
    if match := _ORDINAL.fullmatch(word):
        word = match.group(1)
    folded = fold(word)
    if folded.isdecimal():
        number = "".join([str(unicodedata.decimal(digit)) for digit in folded])
        shortest = number.lstrip("0") or "0"
        return _Forms((_term_id(shortest),), () if shortest == number else (_term_id(number),))
    if folded in STOP_WORDS:
        id_ = _term_id(folded)
        return _Forms((id_,)) if len(word) > 1 and word.isupper() else _Forms((), stopped=(id_,))
    if folded.isascii() and folded.isalpha():
        return _Forms((_term_id(_stem(folded)),))
    return _Forms((_term_id(folded),))


class _Stemming(threading.local):
    """A stemmer for each thread: PyStemmer's are not to be shared."""

    def __init__(self) -> None:
        self.stemmer = Stemmer.Stemmer("english", 0)


_stemming = _Stemming()


def _stem(word: str) -> str:
    stemmed: str = _stemming.stemmer.stemWord(word)
    return stemmed


@lru_cache(maxsize=1 << 16)
def _term_id(term: str) -> int:
    digest = hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
