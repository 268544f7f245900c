"""The port of embedders: text in, vectors out, as `bytes` (see `ports`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TokenSpace:
    """Names a space of token vectors. Those of two spaces are never compared.

    `name` holds all that changes them besides the model (projection, which tokens are kept, packing); `dimensions` is
    the length of a vector, an even number.
    """

    name: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """Names a vector space. Vectors of two models are never compared.

    `name` holds all that changes the vectors (weights, precision); `dimensions` is a row's length. `tokens` is the
    space of the token vectors that the model gives besides, None where it gives none.
    """

    name: str
    dimensions: int
    tokens: TokenSpace | None = None


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vectors of one text: `count` rows of `dimensions` float32 values, row after row.

    A text longer than the model's window has one row for each window. `tokens` are the vectors of its tokens in the
    model's `TokenSpace`, packed: each value a multiple of an unstored scale, -7 to 7, kept as value + 8 in four bits,
    the first of two in the lower ones, so that a token takes `dimensions / 2` bytes. Unpacked, a vector has length 1
    again. Empty where the model gives none.
    """

    vectors: bytes
    count: int
    tokens: bytes = b""


@dataclass(frozen=True, slots=True)
class QueryEmbedding:
    """What a model makes of a query: one row as a text's, and a unit vector for each of its tokens.

    `tokens` are rows of little-endian float32 in the model's `TokenSpace`; `words[i]` is the written word the i-th of
    them belongs to. Both are empty where the model gives none.
    """

    vector: bytes
    tokens: bytes = b""
    words: tuple[str, ...] = ()


class Embedder(Protocol):
    """Turns text into vectors."""

    @property
    def model(self) -> EmbeddingModel | None:
        """The vector space, or None where there is no embedder and only keyword search works."""
        ...

    async def embed_query(self, text: str) -> bytes:
        """One row for a query. Raises EmbeddingUnavailable."""
        ...

    async def read_query(self, text: str) -> QueryEmbedding:
        """The row of `embed_query`, with token vectors where the model gives them. Raises EmbeddingUnavailable."""
        ...

    async def embed_documents(self, texts: Sequence[str]) -> list[Embedding]:
        """One embedding for each text, in order. Raises EmbeddingUnavailable."""
        ...

    def count_tokens(self, text: str) -> int:
        """How many tokens the model's tokenizer makes of `text`."""
        ...

    async def close(self) -> None:
        """Let go of threads, sessions and sockets."""
        ...
