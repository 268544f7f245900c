import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from polymem.core.errors import EmbeddingUnavailable
from polymem.inference import NOTICE_NO_EMBEDDER, EmbedderSpec, open_embedder
from polymem.inference.minilm import MODULE

FASTEMBED = '''
class TextEmbedding:
    """What is used of fastembed 0.9, with numbers instead of a model."""

    @classmethod
    def get_embedding_size(cls, model_name):
        if model_name != "sentence-transformers/all-MiniLM-L6-v2":
            raise ValueError(model_name)
        return 3

    def __init__(self, model_name, cache_dir=None, threads=None):
        self.model_name = model_name

    def passage_embed(self, texts):
        for text in texts:
            yield [len(text), 1.0, 0.0]

    def query_embed(self, texts):
        for text in texts:
            yield [len(text), 0.0, 1.0]

    def token_count(self, texts):
        return len(texts.split())
'''


@pytest.fixture
def without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, None)  # what Python takes for "there is no such package"


@pytest.fixture
def without_fastembed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastembed", None)


@pytest.fixture
def with_fastembed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "packages"
    package.mkdir()
    (package / "fastembed.py").write_text(FASTEMBED)
    monkeypatch.syspath_prepend(package)
    yield
    sys.modules.pop("fastembed", None)


def test_opening_the_local_model_loads_and_writes_nothing(tmp_path: Path) -> None:
    embedder = open_embedder(EmbedderSpec(), tmp_path / "cache")
    assert embedder.model is not None
    assert not (tmp_path / "cache").exists()


async def test_none_has_no_model_and_refuses_with_the_notice(tmp_path: Path) -> None:
    embedder = open_embedder(EmbedderSpec("none"), tmp_path)
    assert embedder.model is None
    await embedder.warm()
    with pytest.raises(EmbeddingUnavailable) as query:
        await embedder.embed_query("hello")
    with pytest.raises(EmbeddingUnavailable) as documents:
        await embedder.embed_documents(["hello"])
    assert str(query.value) == str(documents.value) == NOTICE_NO_EMBEDDER
    assert embedder.count_tokens("\ud800 four bytes each") == 5
    await embedder.close()


def test_the_notice_is_one_sentence_with_the_three_ways_to_an_embedder() -> None:
    for way in ("polymem[fastembed]", "POLYMEM_EMBEDDER,", "POLYMEM_EMBEDDER_URL"):
        assert way in NOTICE_NO_EMBEDDER
    assert NOTICE_NO_EMBEDDER.count(". ") == 0
    assert "\n" not in NOTICE_NO_EMBEDDER


@pytest.mark.usefixtures("without_weights", "without_fastembed")
def test_local_without_weights_and_without_fastembed_is_none(tmp_path: Path) -> None:
    assert open_embedder(EmbedderSpec(), tmp_path).model is None


@pytest.mark.usefixtures("without_weights", "with_fastembed")
async def test_local_without_weights_takes_fastembed_where_it_is_installed(tmp_path: Path) -> None:
    embedder = open_embedder(EmbedderSpec(), tmp_path)
    assert embedder.model is not None
    assert (embedder.model.name, embedder.model.dimensions) == ("fastembed/sentence-transformers/all-MiniLM-L6-v2", 3)
    await embedder.warm()
    short, long = await embedder.embed_documents(["abc", "words and words " * 100])
    query = await embedder.embed_query("abcd")
    assert embedder.count_tokens("two words") == 2
    await embedder.close()
    assert np.frombuffer(short.vectors, "<f4") == pytest.approx(np.array([3, 1, 0]) / np.sqrt(10))
    assert np.frombuffer(query, "<f4") == pytest.approx(np.array([4, 0, 1]) / np.sqrt(17))
    assert long.count == 3
    assert len(long.vectors) == 3 * 3 * 4


@pytest.mark.usefixtures("with_fastembed")
def test_a_model_fastembed_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingUnavailable, match="no model named mystery"):
        open_embedder(EmbedderSpec("fastembed", "mystery"), tmp_path)


@pytest.mark.usefixtures("without_fastembed")
def test_fastembed_that_is_not_installed_is_told_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingUnavailable, match=r"polymem\[fastembed\]"):
        open_embedder(EmbedderSpec("fastembed"), tmp_path)


def test_a_folder_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingUnavailable, match="nowhere"):
        open_embedder(EmbedderSpec(str(tmp_path / "nowhere")), tmp_path)
