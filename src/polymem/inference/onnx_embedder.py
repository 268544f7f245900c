"""The embedder over a local ONNX model: loads on first use, spreads texts over threads, lets queries through."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import Embedding, EmbeddingModel
from polymem.inference.gather import gather_or_cancel
from polymem.inference.once import Once
from polymem.inference.queries import QueryCache
from polymem.inference.windows import MAX_WINDOWS, pieces, well_formed
from polymem.inference.workers import Lane, Workers

if TYPE_CHECKING:
    from polymem.inference.encoder import Encoder, Tokens, WindowTokenizer

T = TypeVar("T")

MAX_QUERY_WINDOWS = 8
"""A query longer than one window becomes the mean of at most this many."""


class OnnxEmbedder:
    """Implements `ports.Embedder` with a model that runs in this process.

    `load_tokenizer` and `load_encoder` block, and are called on first use. When one raises
    ValueError, the call that needed it raises EmbeddingUnavailable, and the next call tries again.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        load_tokenizer: "Callable[[], WindowTokenizer]",
        load_encoder: "Callable[[], Encoder]",
        threads: int,
    ) -> None:
        self._model = model
        self._tokenizer = Once(partial(self._load, load_tokenizer))
        self._encoder = Once(partial(self._load, load_encoder))
        self._workers = Workers(threads)
        self._queries = QueryCache(self._embed_new_query)

    @property
    def model(self) -> EmbeddingModel:
        """The vector space."""
        return self._model

    async def warm(self) -> None:
        """Loads the model now instead of on first use. Raises EmbeddingUnavailable."""
        await self._workers.first(self._load_all)

    async def embed_query(self, text: str) -> bytes:
        """One row for a query, before all waiting documents; a recent query's row is remembered."""
        return await self._queries.get(well_formed(text))

    async def embed_documents(self, texts: Sequence[str]) -> list[Embedding]:
        """One embedding for each text, in order; a text of several windows has a row for each."""
        lane = self._workers.lane()
        return await gather_or_cancel(self._embed_document(well_formed(text), lane) for text in texts)

    def count_tokens(self, text: str) -> int:
        """How many tokens the model's tokenizer makes of `text`; blocks, about 0.3 s for 1 MiB."""
        return self._tokenizer.get().count(well_formed(text))

    async def close(self) -> None:
        """Ends the threads. Later calls raise EmbeddingUnavailable."""
        await self._workers.close()

    def _load_all(self) -> None:
        self._tokenizer.get()
        self._encoder.get()

    def _load(self, part: Callable[[], T]) -> T:
        try:
            return part()
        except ValueError as error:
            raise EmbeddingUnavailable(f"The embedding model {self._model.name} cannot be loaded: {error}") from error

    async def _embed_new_query(self, text: str) -> bytes:
        return await self._workers.first(partial(self._encode_query, text))

    def _encode_query(self, text: str) -> bytes:
        windows = self._windows(text, MAX_QUERY_WINDOWS)
        return self._encode(*windows)

    async def _embed_document(self, text: str, lane: Lane) -> Embedding:
        parts = list(pieces(text))
        if len(parts) == 1:
            begun = await lane.submit(partial(self._begin, text))
            if isinstance(begun, bytes):
                return Embedding(begun, 1)
            windows = begun
        else:
            tokens = await asyncio.gather(*(lane.submit(partial(self._tokens, part)) for part in parts))
            windows = self._tokenizer.get().windows(tokens)
        rows = await asyncio.gather(*(lane.submit(partial(self._encode, window)) for window in windows))
        return Embedding(b"".join(rows), len(rows))

    def _begin(self, text: str) -> "bytes | list[Tokens]":
        """All of a text that fits one window, in one go; else the windows it needs."""
        windows = self._windows(text)
        return self._encode(windows[0]) if len(windows) == 1 else windows

    def _tokens(self, piece: str) -> "Tokens":
        return self._tokenizer.get().tokens(piece)

    def _windows(self, text: str, limit: int = MAX_WINDOWS) -> "list[Tokens]":
        tokenizer = self._tokenizer.get()
        return tokenizer.windows([tokenizer.tokens(piece) for piece in pieces(text)], limit)

    def _encode(self, *windows: "Tokens") -> bytes:
        """One row: the vector of a window, or the mean direction of several."""
        try:
            return self._encoder.get().encode(*windows).tobytes()
        except ValueError as error:
            raise EmbeddingUnavailable(f"The embedding model {self._model.name} failed: {error}") from error
