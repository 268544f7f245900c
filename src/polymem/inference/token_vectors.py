"""Token vectors for late interaction: which tokens of a text are kept, how they are made small, how they are packed.

The model's last states of the tokens, from the run that makes the sentence vector anyway, are brought to length 1,
projected by a fixed random orthogonal matrix (`data/projection.f16`, made by scripts/make_projection) and brought to
length 1 again. Random projections keep angles (Johnson and Lindenstrauss 1984); with 96 of 384 dimensions recall is
what it is with all, and no text had to be learnt from (docs/recall.md). Tokens of stop words and of punctuation say
nothing and are left out. Values are packed in four bits (`core.ports.Embedding`).
"""

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from polymem.core.stopwords import STOP_WORDS

Tokens = npt.NDArray[np.int64]
Rows = npt.NDArray[np.float32]

Window = tuple[Tokens, Rows]
"""The tokens kept of a window, and their projected unit rows."""

MOST_TOKENS = 512
"""Tokens kept of one text, twice as many as one window of the model has. Of a longer text each word piece is kept once,
where it comes first, and if these are still too many, they are thinned out evenly: what a memory costs when it is kept
(24 KiB) and compared stays bounded."""

MOST_QUERY_TOKENS = 64
"""The same for a query: a pasted page is no question."""

_BLOCK = 260_000
"""Multiplications done at once: from 262,144 on OpenBLAS spreads a product over threads, which would wait for each
other where several texts are embedded side by side."""

_CAP = 0.375
"""Values are scaled by the largest of their vector, but by no more than this: few reach it, and the others gain."""

_LEVELS = 7
_CONTINUED = "##"
_REMAINDERS = frozenset(
    "s t d m ll ve re don didn doesn isn wasn weren couldn wouldn shouldn hadn hasn haven aren won".split()
)
"""What the tokenizer leaves of contractions, whose stop words it cuts in two."""


class TokenVectors:
    """Makes token vectors of a model's states. `vocabulary` is the written form of every token by its id."""

    def __init__(self, vocabulary: Sequence[str], dimensions: int) -> None:
        self._vocabulary = vocabulary
        self._kept = np.array([_says_something(written) for written in vocabulary], np.bool_)
        content = files("polymem.inference").joinpath("data", "projection.f16").read_bytes()
        self._projection = np.frombuffer(content, "<f2").astype(np.float32).reshape(-1, dimensions)

    def of_window(self, tokens: Tokens, states: Rows) -> Window:
        """What is kept of one window: `states[i]` is the last state of `tokens[i]`, whose ends are left out."""
        places = self._places(tokens)
        return tokens[places], self._project(states[places])

    def of_query(self, windows: Sequence[tuple[Tokens, Rows]]) -> tuple[bytes, tuple[str, ...]]:
        """Unit rows (float32) of the tokens of a query's windows, and the written word each belongs to."""
        tokens, states = _joined(windows)
        places = _fewer(tokens, self._places(tokens), MOST_QUERY_TOKENS)
        words = self._words(tokens)
        return self._project(states[places]).tobytes(), tuple(words[place] for place in places.tolist())

    def _places(self, tokens: Tokens) -> npt.NDArray[np.intp]:
        """Where the tokens stand that say something; all of them where none does."""
        places = np.flatnonzero(self._kept[tokens])
        return places if len(places) else np.arange(len(tokens))

    def _project(self, states: Rows) -> Rows:
        projected: Rows = np.empty((len(states), self._projection.shape[1]), "<f4")
        block = max(1, _BLOCK // self._projection.size)
        for start in range(0, len(states), block):
            np.matmul(states[start : start + block], self._projection, out=projected[start : start + block])
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        projected /= np.where(lengths == 0, 1, lengths)
        return projected

    def _words(self, tokens: Tokens) -> list[str]:
        """For each token the whole word it is a piece of."""
        words: list[str] = []
        begun = 0
        for place, token in enumerate(tokens.tolist()):
            written = self._vocabulary[token]
            if place and written.startswith(_CONTINUED):
                whole = words[-1] + written.removeprefix(_CONTINUED)
                words[begun:] = [whole] * (place - begun + 1)
            else:
                begun = place
                words.append(written)
        return words


def pack(rows: Rows) -> bytes:
    """Unit rows in four bits for a value, as `core.ports.Embedding` describes."""
    scales = np.minimum(np.abs(rows).max(axis=1, keepdims=True), _CAP)
    levels = np.rint(rows * (_LEVELS / np.where(scales == 0, 1, scales)))
    values = (np.clip(levels, -_LEVELS, _LEVELS) + (_LEVELS + 1)).astype(np.uint8)
    return (values[:, 0::2] | values[:, 1::2] << 4).tobytes()


def packed(windows: Sequence[Window]) -> bytes:
    """The packed tokens of a text of these windows, at most MOST_TOKENS."""
    tokens, rows = _joined(windows)
    return pack(rows[_fewer(tokens, np.arange(len(tokens)), MOST_TOKENS)]) if len(tokens) else b""


def _joined(windows: Sequence[tuple[Tokens, Rows]]) -> tuple[Tokens, Rows]:
    if len(windows) == 1:
        return windows[0]
    return np.concatenate([tokens for tokens, _ in windows]), np.concatenate([rows for _, rows in windows])


def _fewer(tokens: Tokens, places: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    if len(places) <= most:
        return places
    _, first = np.unique(tokens[places], return_index=True)
    places = places[np.sort(first)]
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.intp)]


def _says_something(written: str) -> bool:
    form = written.removeprefix(_CONTINUED)
    if form == written and (form in STOP_WORDS or form in _REMAINDERS):
        return False
    return any(character.isalnum() for character in form)
