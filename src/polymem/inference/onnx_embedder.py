"""The embedder over a local ONNX model: loads on first use, spreads texts over threads, lets queries through."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import Embedding, EmbeddingModel, QueryEmbedding
from polymem.inference.gather import gather_or_cancel
from polymem.inference.once import Once
from polymem.inference.queries import QueryCache
from polymem.inference.windows import MAX_WINDOWS, PIECE_CHARACTERS, pieces, well_formed
from polymem.inference.workers import Lane, Workers

if TYPE_CHECKING:
    from polymem.inference.encoder import Encoder, States, Tokens, Vector, WindowTokenizer
    from polymem.inference.token_vectors import TokenVectors, Window

T = TypeVar("T")

MAX_QUERY_WINDOWS = 8
"""A query longer than one window becomes the mean of at most this many."""

JOB_TEXTS = 8
JOB_CHARACTERS = 512
"""Short texts of a large batch are embedded a few at a time, about as long as one full window takes."""


class OnnxEmbedder:
    """Implements `ports.Embedder` with a model that runs in this process.

    With `load_token_vectors` the model's last states become token vectors, in the space `model.tokens` names.
    What loads blocks, and is called on first use. When one raises
    ValueError, the call that needed it raises EmbeddingUnavailable, and the next call tries again.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        load_tokenizer: "Callable[[], WindowTokenizer]",
        load_encoder: "Callable[[], Encoder]",
        threads: int,
        load_token_vectors: "Callable[[WindowTokenizer], TokenVectors] | None" = None,
    ) -> None:
        self._model = model
        self._tokenizer = Once(partial(self._load, load_tokenizer))
        self._encoder = Once(partial(self._load, load_encoder))
        self._token_vectors = (
            None if load_token_vectors is None else Once(partial(self._load_tokens, load_token_vectors))
        )
        self._threads = threads
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
        return (await self.read_query(text)).vector

    async def read_query(self, text: str) -> QueryEmbedding:
        """The same with the vectors of its tokens, from the same run of the model."""
        return await self._queries.get(well_formed(text))

    async def embed_documents(self, texts: Sequence[str]) -> list[Embedding]:
        """One embedding for each text, in order; a text of several windows has a row for each."""
        lane = self._workers.lane()
        jobs = _jobs([well_formed(text) for text in texts], self._threads)
        finished = await gather_or_cancel(self._embed_job(job, lane) for job in jobs)
        return [embedding for job in finished for embedding in job]

    def count_tokens(self, text: str) -> int:
        """How many tokens the model's tokenizer makes of `text`; blocks, about 0.3 s for 1 MiB."""
        return self._tokenizer.get().count(well_formed(text))

    async def close(self) -> None:
        """Ends the threads. Later calls raise EmbeddingUnavailable."""
        await self._workers.close()

    def _load_all(self) -> None:
        self._tokenizer.get()
        self._encoder.get()
        if self._token_vectors is not None:
            self._token_vectors.get()

    def _load_tokens(self, load: "Callable[[WindowTokenizer], TokenVectors]") -> "TokenVectors":
        return load(self._tokenizer.get())

    def _load(self, part: Callable[[], T]) -> T:
        try:
            return part()
        except ValueError as error:
            raise EmbeddingUnavailable(f"The embedding model {self._model.name} cannot be loaded: {error}") from error

    def _embed_new_query(self, text: str) -> asyncio.Future[QueryEmbedding]:
        return self._workers.first(partial(self._encode_query, text))

    def _encode_query(self, text: str) -> QueryEmbedding:
        windows = self._windows(text, MAX_QUERY_WINDOWS)
        if self._token_vectors is None:
            return QueryEmbedding(self._encoder_run(lambda encoder: encoder.encode(*windows)).tobytes())
        read = [self._read(window) for window in windows]
        vector = self._encoder_run(lambda encoder: encoder.mean([vector for vector, _, _ in read]))
        rows, words = self._token_vectors.get().of_query([(tokens, states) for _, tokens, states in read])
        return QueryEmbedding(vector.tobytes(), rows, words)

    async def _embed_job(self, texts: list[str], lane: Lane) -> list[Embedding]:
        if len(texts) == 1 and len(texts[0]) > PIECE_CHARACTERS:
            parts = pieces(texts[0])
            tokens = await asyncio.gather(*(lane.submit(partial(self._tokens, part)) for part in parts))
            return [await self._embed_windows(self._tokenizer.get().windows(tokens), lane)]
        begun = await lane.submit(partial(self._begin, texts))
        return [text if isinstance(text, Embedding) else await self._embed_windows(text, lane) for text in begun]

    async def _embed_windows(self, windows: "list[Tokens]", lane: Lane) -> Embedding:
        parts = await asyncio.gather(*(lane.submit(partial(self._encode, window)) for window in windows))
        return await lane.submit(partial(self._joined, parts))

    def _begin(self, texts: list[str]) -> "list[Embedding | list[Tokens]]":
        """For each text that fits one window its embedding; for another the windows it needs."""
        windows = [self._windows(text) for text in texts]
        return [self._joined([self._encode(several[0])]) if len(several) == 1 else several for several in windows]

    def _tokens(self, piece: str) -> "Tokens":
        return self._tokenizer.get().tokens(piece)

    def _windows(self, text: str, limit: int = MAX_WINDOWS) -> "list[Tokens]":
        tokenizer = self._tokenizer.get()
        return tokenizer.windows([tokenizer.tokens(piece) for piece in pieces(text)], limit)

    def _encode(self, window: "Tokens") -> "tuple[bytes, Window | None]":
        """The row of a window, and what is kept of its tokens."""
        if self._token_vectors is None:
            return self._encoder_run(lambda encoder: encoder.encode(window)).tobytes(), None
        vector, tokens, states = self._read(window)
        return vector.tobytes(), self._token_vectors.get().of_window(tokens, states)

    def _joined(self, parts: "Sequence[tuple[bytes, Window | None]]") -> Embedding:
        """The embedding of a text of these windows."""
        rows = b"".join(row for row, _ in parts)
        windows = [window for _, window in parts if window is not None]
        if not windows:
            return Embedding(rows, len(parts))
        from polymem.inference.token_vectors import packed  # noqa: PLC0415 - numpy is loaded by now

        return Embedding(rows, len(parts), packed(windows))

    def _read(self, window: "Tokens") -> "tuple[Vector, Tokens, States]":
        """The vector of a window, the tokens of its text, and their states."""
        vector, states = self._encoder_run(lambda encoder: encoder.encode_tokens(window))
        text = self._tokenizer.get().text_tokens(window)
        return vector, window[text], states[text]

    def _encoder_run(self, run: "Callable[[Encoder], T]") -> T:
        try:
            return run(self._encoder.get())
        except ValueError as error:
            raise EmbeddingUnavailable(f"The embedding model {self._model.name} failed: {error}") from error


def _jobs(texts: list[str], threads: int) -> Iterator[list[str]]:
    """Consecutive texts in portions for one thread each; one by one when there are few."""
    most = min(JOB_TEXTS, max(1, len(texts) // (4 * threads)))
    job: list[str] = []
    characters = 0
    for text in texts:
        if job and (len(job) == most or characters + len(text) > JOB_CHARACTERS):
            yield job
            job, characters = [], 0
        job.append(text)
        characters += len(text)
    if job:
        yield job
