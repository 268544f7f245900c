import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from polymem.inference import EmbedderSpec, WarmEmbedder, open_embedder
from tests.embedding import Answer as Answer
from tests.embedding import EmbeddingServer as EmbeddingServer


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for all tests (and all workers of pytest-xdist), so that the model is built once."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return shared / "polymem-model-cache"


@pytest.fixture
async def embedder(model_cache: Path) -> AsyncIterator[WarmEmbedder]:
    embedder = open_embedder(EmbedderSpec(threads=2), model_cache)
    yield embedder
    await embedder.close()


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    server = EmbeddingServer()
    yield server
    server.close()
