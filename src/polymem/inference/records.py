"""Remembers, in the cache folder, what was learnt about a model that cannot be asked cheaply at start-up."""

import hashlib
import json
import os
import tempfile
from pathlib import Path

from polymem.core.ports import EmbeddingModel


def recall_model(cache_dir: Path, key: str) -> EmbeddingModel | None:
    """What was recorded under `key`, None when there is nothing readable."""
    try:
        record = json.loads(_path(cache_dir, key).read_text("utf-8"))
        return EmbeddingModel(str(record["name"]), int(record["dimensions"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def record_model(cache_dir: Path, key: str, model: EmbeddingModel) -> None:
    """Records a model under `key`. A folder that cannot be written only costs the asking next time."""
    path = _path(cache_dir, key)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=cache_dir, prefix=".record-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"name": model.name, "dimensions": model.dimensions}, file)
        Path(scratch).replace(path)
    except OSError:
        return


def _path(cache_dir: Path, key: str) -> Path:
    return cache_dir / f"embedder-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
