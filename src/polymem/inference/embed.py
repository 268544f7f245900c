"""Chooses the embedder: the bundled model, a local ONNX folder, fastembed, a URL, or none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from polymem.core.errors import EmbeddingUnavailable, NoEmbeddingModel
from polymem.core.ports import Embedder, Embedding, QueryEmbedding
from polymem.inference.fastembed_model import FastembedEmbedder, fastembed_installed
from polymem.inference.folder import open_folder
from polymem.inference.minilm import Precision, find_weights, open_minilm
from polymem.inference.workers import default_threads

NOTICE_NO_EMBEDDER = (
    "No embedding model: keyword search works, search by meaning needs one of pip install 'polymem[fastembed]', "
    "a folder with an ONNX model in POLYMEM_EMBEDDER, or the URL of an OpenAI-compatible server in "
    "POLYMEM_EMBEDDER_URL."
)


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """Which embedder is wanted.

    kind       "local": the bundled all-MiniLM-L6-v2; without its weights fastembed, without that none
               "fastembed", "none"
               a URL (http:// or https://): a server with OpenAI's /embeddings
               anything else: the path of a folder with an ONNX model
    model      the model's name, for a URL (required) and for fastembed
    api_key    for a URL
    precision  of the bundled model: "int8", or "fp32" (three times slower, exact)
    threads    how many texts are embedded at once in this process; None: one for each core, at most 4
    """

    kind: str = "local"
    model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    precision: Precision = "int8"
    threads: int | None = None


class WarmEmbedder(Embedder, Protocol):
    """An embedder that can be told to load before the first text comes."""

    async def warm(self) -> None:
        """Does now what the first call would have to do. Raises EmbeddingUnavailable."""
        ...


def open_embedder(spec: EmbedderSpec, cache_dir: Path) -> WarmEmbedder:
    """The embedder of a spec. Cheap: models load, and servers are asked, on first use or by `warm`.

    Only a folder's model is run once the first time it is met. `cache_dir` keeps what is built or learnt
    and may be shared by processes. Raises EmbeddingUnavailable for a spec that cannot work.
    """
    threads = spec.threads or default_threads()
    if spec.kind == "none":
        return NoEmbedder()
    if spec.kind == "local":
        weights = find_weights()
        if weights is not None:
            return open_minilm(cache_dir, weights, spec.precision, threads)
        return FastembedEmbedder(spec.model, cache_dir, threads) if fastembed_installed() else NoEmbedder()
    if spec.kind == "fastembed":
        return FastembedEmbedder(spec.model, cache_dir, threads)
    if spec.kind.startswith(("http://", "https://")):
        return _open_remote(spec, cache_dir)
    return open_folder(Path(spec.kind).expanduser(), cache_dir, threads)


def _open_remote(spec: EmbedderSpec, cache_dir: Path) -> WarmEmbedder:
    from polymem.inference.remote import RemoteEmbedder  # noqa: PLC0415 - httpx2 and numpy take long to import

    if not spec.model:
        raise EmbeddingUnavailable(f"The embedding server at {spec.kind} needs a model's name beside its URL.")
    return RemoteEmbedder(spec.kind, spec.model, spec.api_key, cache_dir)


class NoEmbedder:
    """Implements `ports.Embedder` where there is no model: keyword search works, all else refuses."""

    @property
    def model(self) -> None:
        """None: no vector space."""
        return None

    async def warm(self) -> None:
        """Does nothing."""

    async def embed_query(self, text: str) -> bytes:
        """Raises NoEmbeddingModel."""
        raise NoEmbeddingModel(NOTICE_NO_EMBEDDER)

    async def read_query(self, text: str) -> QueryEmbedding:
        """Raises NoEmbeddingModel."""
        raise NoEmbeddingModel(NOTICE_NO_EMBEDDER)

    async def embed_documents(self, texts: Sequence[str]) -> list[Embedding]:
        """Raises NoEmbeddingModel."""
        raise NoEmbeddingModel(NOTICE_NO_EMBEDDER)

    def count_tokens(self, text: str) -> int:
        """An estimate, four bytes to a token."""
        return -(-len(text.encode(errors="replace")) // 4)

    async def close(self) -> None:
        """Does nothing."""
