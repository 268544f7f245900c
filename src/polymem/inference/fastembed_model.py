"""The embedder over the optional `fastembed` package, for installations without the bundled weights.

fastembed fetches its model from the network the first time; that is the choice of who installs it.
"""

import asyncio
import importlib
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import Embedding, EmbeddingModel, QueryEmbedding
from polymem.inference.gather import gather_or_cancel
from polymem.inference.once import Once
from polymem.inference.queries import QueryCache
from polymem.inference.records import recall_model, record_model
from polymem.inference.windows import passages, well_formed
from polymem.inference.workers import Lane, Workers

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

PASSAGE_BYTES = 800
"""Longest text in one vector, in UTF-8: some 200 tokens, for models that read 256."""

OVERLAP_BYTES = 100
MAX_QUERY_PASSAGES = 8


def fastembed_installed() -> bool:
    """Whether the extra `polymem[fastembed]` is there."""
    return find_spec("fastembed") is not None


class FastembedEmbedder:
    """Implements `ports.Embedder` with a model of fastembed's own list, in this process.

    Raises EmbeddingUnavailable when the package is missing or does not know the model.
    """

    def __init__(self, model: str | None, cache_dir: Path, threads: int) -> None:
        if not fastembed_installed():
            raise EmbeddingUnavailable("The package fastembed is not installed: pip install 'polymem[fastembed]'.")
        self._source = model or DEFAULT_MODEL
        self._cache_dir = cache_dir
        self._model = self._describe()
        self._loaded = Once(self._load)
        self._workers = Workers(threads)
        self._queries = QueryCache(self._embed_new_query)

    @property
    def model(self) -> EmbeddingModel:
        """The vector space."""
        return self._model

    async def warm(self) -> None:
        """Loads the model now, fetching it if it was never used. Raises EmbeddingUnavailable."""
        await self._workers.first(self._loaded.get)

    async def embed_query(self, text: str) -> bytes:
        """One row for a query, before all waiting documents; a recent query's row is remembered."""
        return await self._queries.get(well_formed(text))

    async def read_query(self, text: str) -> QueryEmbedding:
        """The same; there are no vectors of its tokens."""
        return QueryEmbedding(await self.embed_query(text))

    async def embed_documents(self, texts: Sequence[str]) -> list[Embedding]:
        """One embedding for each text, in order; a long text has a row for each of its passages."""
        lane = self._workers.lane()
        return await gather_or_cancel(self._embed_document(well_formed(text), lane) for text in texts)

    def count_tokens(self, text: str) -> int:
        """How many tokens the model's tokenizer makes of `text`; loads the model if need be."""
        return int(self._loaded.get().token_count(well_formed(text)))

    async def close(self) -> None:
        """Ends the threads. Later calls raise EmbeddingUnavailable."""
        await self._workers.close()

    def _describe(self) -> EmbeddingModel:
        """The model's name and dimensions; on record, because importing fastembed takes long."""
        key = f"fastembed {self._source}"
        model = recall_model(self._cache_dir, key)
        if model is None:
            try:
                dimensions = int(_text_embedding().get_embedding_size(self._source))
            except ValueError as error:
                raise EmbeddingUnavailable(f"fastembed has no model named {self._source}.") from error
            model = EmbeddingModel(f"fastembed/{self._source}", dimensions)
            record_model(self._cache_dir, key, model)
        return model

    def _load(self) -> Any:
        try:
            return _text_embedding()(self._source, cache_dir=str(self._cache_dir / "fastembed"), threads=1)
        except Exception as error:  # network, disk and onnxruntime, each with errors of its own
            raise EmbeddingUnavailable(f"fastembed could not load {self._source}: {error}") from error

    def _embed_new_query(self, text: str) -> asyncio.Future[bytes]:
        parts = passages(text, PASSAGE_BYTES, OVERLAP_BYTES, MAX_QUERY_PASSAGES)
        return self._workers.first(partial(self._encode, "query_embed", parts))

    async def _embed_document(self, text: str, lane: Lane) -> Embedding:
        parts = passages(text, PASSAGE_BYTES, OVERLAP_BYTES)
        rows = await asyncio.gather(*(lane.submit(partial(self._encode, "passage_embed", [part])) for part in parts))
        return Embedding(b"".join(rows), len(rows))

    def _encode(self, method: str, parts: list[str]) -> bytes:
        """One row: the vector of a text, or the mean direction of several."""
        import numpy as np  # noqa: PLC0415 - with fastembed it is loaded by now, without it is not needed

        from polymem.inference.vectors import unit_rows  # noqa: PLC0415 - the same

        embed = getattr(self._loaded.get(), method)
        try:
            # One at a time, so that a text's vector does not depend on what is embedded beside it.
            rows = [next(iter(embed([part]))) for part in parts]
            return unit_rows(np.mean(rows, axis=0, keepdims=True)).tobytes()
        except Exception as error:  # fastembed raises onnxruntime's errors, which have no root of their own
            raise EmbeddingUnavailable(f"The embedding model {self._model.name} failed: {error}") from error


def _text_embedding() -> Any:
    # An optional extra, so it is imported by name when it is wanted.
    return importlib.import_module("fastembed").TextEmbedding
