import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from polymem.core.errors import EmbeddingUnavailable
from polymem.inference import EmbedderSpec, open_embedder
from polymem.inference.minilm import ensure_graph, find_weights

DIMENSIONS = 8
WORDS = np.random.default_rng(7).normal(size=(30522, DIMENSIONS)).astype(np.float32)


def token_model() -> onnx.ModelProto:
    """A model that gives each token its word's vector and takes the three usual inputs, as exported ones do."""
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["word"]),
        helper.make_node("Add", ["attention_mask", "token_type_ids"], ["mask"]),
        helper.make_node("Cast", ["mask"], ["factor"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["factor", "axis"], ["column"]),
        helper.make_node("Mul", ["word", "column"], ["last_hidden_state"]),
    ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tokens",
        [tensor(name, TensorProto.INT64, ["batch", "tokens"]) for name in inputs],
        [tensor("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", DIMENSIONS])],
        [numpy_helper.from_array(WORDS, "words"), numpy_helper.from_array(np.array([2]), "axis")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def mean_of(words: list[int]) -> bytes:
    mean = WORDS[words].astype(np.float64).mean(axis=0)
    return bytes((mean / np.linalg.norm(mean)).astype("<f4").tobytes())


CLS, SEP, HELLO, WORLD = 101, 102, 7592, 2088


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    weights = find_weights()
    assert weights is not None
    folder = tmp_path / "small-model"
    (folder / "onnx").mkdir(parents=True)
    onnx.save(token_model(), folder / "onnx" / "model.onnx")
    shutil.copy(weights.tokenizer, folder / "tokenizer.json")
    return folder


async def embed(folder: Path, cache: Path, text: str) -> tuple[str, int, bytes]:
    embedder = open_embedder(EmbedderSpec(str(folder)), cache)
    assert embedder.model is not None
    vector = await embedder.embed_query(text)
    await embedder.close()
    return embedder.model.name, embedder.model.dimensions, vector


def near(left: bytes, right: bytes) -> bool:
    return np.allclose(np.frombuffer(left, "<f4"), np.frombuffer(right, "<f4"), atol=1e-6)


async def test_token_vectors_are_averaged_over_all_tokens(folder: Path, tmp_path: Path) -> None:
    name, dimensions, vector = await embed(folder, tmp_path / "cache", "hello world")
    assert name.startswith("small-model@")
    assert dimensions == DIMENSIONS
    assert near(vector, mean_of([CLS, HELLO, WORLD, SEP]))


async def test_a_model_that_says_so_is_pooled_by_its_first_token(folder: Path, tmp_path: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    _, _, vector = await embed(folder, tmp_path / "cache", "hello world")
    assert near(vector, mean_of([CLS]))


async def test_a_model_with_a_sentence_output_is_taken_as_it_is(
    folder: Path, tmp_path: Path, model_cache: Path
) -> None:
    weights = find_weights()
    assert weights is not None
    shutil.copy(ensure_graph(model_cache, weights, "int8"), folder / "model.onnx")
    local = open_embedder(EmbedderSpec(), model_cache)
    expected = await local.embed_query("hello world")
    await local.close()
    _, dimensions, vector = await embed(folder, tmp_path / "cache", "hello world")
    assert dimensions == 384
    assert near(vector, expected)


async def test_windows_are_no_longer_than_the_model_says(folder: Path, tmp_path: Path) -> None:
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 12}))
    embedder = open_embedder(EmbedderSpec(str(folder)), tmp_path / "cache")
    [embedding] = await embedder.embed_documents(["hello world " * 20])
    await embedder.close()
    assert embedding.count == 5


async def test_the_second_opening_reads_the_record_instead_of_running_the_model(folder: Path, tmp_path: Path) -> None:
    first = await embed(folder, tmp_path / "cache", "hello")
    [record] = (tmp_path / "cache").iterdir()
    record.write_text(json.dumps({"name": "from the record", "dimensions": DIMENSIONS}))
    assert await embed(folder, tmp_path / "cache", "hello") == ("from the record", *first[1:])


async def test_other_files_in_the_same_folder_are_another_model(folder: Path, tmp_path: Path) -> None:
    before, _, _ = await embed(folder, tmp_path / "cache", "hello")
    model = token_model()
    model.doc_string = "changed"
    onnx.save(model, folder / "onnx" / "model.onnx")
    after, _, _ = await embed(folder, tmp_path / "cache", "hello")
    assert before != after


def remove_model(folder: Path) -> None:
    (folder / "onnx" / "model.onnx").unlink()


def remove_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def damage_model(folder: Path) -> None:
    (folder / "onnx" / "model.onnx").write_bytes(b"damaged")


def damage_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def rename_output(folder: Path) -> None:
    model = token_model()
    model.graph.output[0].name = model.graph.node[-1].output[0] = "logits"
    onnx.save(model, folder / "onnx" / "model.onnx")


def rename_input(folder: Path) -> None:
    model = token_model()
    model.graph.input[2].name = "pixels"
    model.graph.node[1].input[1] = "pixels"
    onnx.save(model, folder / "onnx" / "model.onnx")


def shrink_window(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 2}))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (remove_model, r"has no model\.onnx or onnx/model\.onnx"),
        (remove_tokenizer, r"has no tokenizer\.json"),
        (damage_model, "not a model onnxruntime can run"),
        (damage_tokenizer, "not a tokenizer"),
        (rename_output, "outputs are"),
        (rename_input, "inputs are"),
        (shrink_window, "window of 2 tokens holds no text"),
    ],
)
def test_a_folder_without_a_usable_model_is_refused_with_the_reason(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(folder)
    with pytest.raises(EmbeddingUnavailable, match=reason):
        open_embedder(EmbedderSpec(str(folder)), tmp_path / "cache")


async def test_a_model_that_disappears_later_is_refused_when_it_is_needed(folder: Path, tmp_path: Path) -> None:
    await embed(folder, tmp_path / "cache", "hello")
    embedder = open_embedder(EmbedderSpec(str(folder)), tmp_path / "cache")
    damage_model(folder)
    with pytest.raises(EmbeddingUnavailable, match="cannot be loaded"):
        await embedder.embed_documents(["hello"])
    await embedder.close()
