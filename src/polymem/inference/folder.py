"""Any sentence-embedding model in a local folder, in the layout Hugging Face repositories have.

model.onnx or onnx/model.onnx   the model (see `encoder.Encoder` for the form it must have)
tokenizer.json                  its tokenizer
sentence_bert_config.json       optional: max_seq_length
config.json                     optional: max_position_embeddings
1_Pooling/config.json           optional: pooling_mode_cls_token; otherwise the tokens' mean is taken
"""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import EmbeddingModel
from polymem.inference.onnx_embedder import OnnxEmbedder
from polymem.inference.records import recall_model, record_model

if TYPE_CHECKING:
    from polymem.inference.encoder import Encoder, WindowTokenizer


def open_folder(folder: Path, cache_dir: Path, threads: int) -> OnnxEmbedder:
    """The model in `folder`. Its name carries a digest of its files, so changed files are another model.

    The first time it must be read and run to learn its digest and dimensions, later they are on record
    in `cache_dir`. Raises EmbeddingUnavailable when the folder holds no model that can be run.
    """
    graph = _find(folder, "model.onnx", "onnx/model.onnx")
    tokenizer = _find(folder, "tokenizer.json")
    files = [tokenizer, *sorted(graph.parent.glob(f"{graph.name}*"))]  # a large model's weights are files of their own
    key = "\n".join(f"{file.resolve()} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)
    load_tokenizer = partial(_load_tokenizer, folder, tokenizer)
    load_encoder = partial(_load_encoder, folder, graph)

    model = recall_model(cache_dir, key)
    if model is None:
        try:
            window = load_tokenizer().windows([load_tokenizer().tokens("dimensions")])[0]
            dimensions = len(load_encoder().encode(window))
        except ValueError as error:
            raise EmbeddingUnavailable(f"The embedding model in {folder} cannot be used: {error}") from error
        model = EmbeddingModel(f"{folder.resolve().name}@{_digest(files)}", dimensions)
        record_model(cache_dir, key, model)
    return OnnxEmbedder(model, load_tokenizer, load_encoder, threads)


def _find(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise EmbeddingUnavailable(f"The embedding folder {folder} has no {' or '.join(names)}.")


def _load_tokenizer(folder: Path, path: Path) -> "WindowTokenizer":
    from polymem.inference.encoder import WINDOW_TOKENS, WindowTokenizer  # noqa: PLC0415 - loads on first use

    limits = [
        _read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        _read_json(folder / "config.json").get("max_position_embeddings"),
    ]
    return WindowTokenizer(path, min([WINDOW_TOKENS, *(limit for limit in limits if isinstance(limit, int))]))


def _load_encoder(folder: Path, path: Path) -> "Encoder":
    from polymem.inference.encoder import Encoder  # noqa: PLC0415 - onnxruntime loads on first use

    pooling = _read_json(folder / "1_Pooling" / "config.json")
    return Encoder(path, "cls" if pooling.get("pooling_mode_cls_token") is True else "mean")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:12]
