"""Builds the ONNX graph of all-MiniLM-L6-v2 from its weights. Slow to import; only a build needs it.

The model is a six-layer BERT encoder (Devlin et al. 2018) followed by the mean of the token vectors and
L2 normalisation, as the model's own `modules.json` and `1_Pooling/config.json` prescribe. It reads one
text at a time, so there is no padding and no attention mask. Weight names are those of the file.
"""

import json
import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

Array = npt.NDArray[np.float32]

DIMENSIONS = 384
LAYERS = 6
HEADS = 12
NORM_EPSILON = 1e-12
OPSET = 20  # the first with Gelu
IR_VERSION = 10  # what that opset was published with; any onnxruntime that has the opset reads it


def read_safetensors(path: Path) -> dict[str, Array]:
    """The float32 tensors of a safetensors file by name.

    The file is an 8-byte little-endian length, a JSON header of that length, then the tensors' bytes at
    the offsets the header gives. Raises ValueError when the file is not of that form.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size])
        tensors = {}
        for name, entry in header.items():
            if entry.get("dtype") == "F32":
                start, end = (8 + size + offset for offset in entry["data_offsets"])
                tensors[name] = np.frombuffer(content[start:end], dtype="<f4").reshape(entry["shape"])
    return tensors


class _Graph:
    """Collects nodes and constants; each method returns the name of the tensor it makes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def integers(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, dtype=np.int64))

    def add(self, operator: str, name: str, inputs: Sequence[str], **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def split(self, name: str, source: str, parts: int, axis: int) -> list[str]:
        outputs = [f"{name}.{part}" for part in range(parts)]
        self.nodes.append(helper.make_node("Split", [source], outputs, name=name, axis=axis, num_outputs=parts))
        return outputs

    def linear(self, name: str, source: str, weight: Array, bias: Array) -> str:
        """`source` times the transposed `weight` (outputs x inputs, as PyTorch keeps it) plus `bias`."""
        product = self.add("MatMul", f"{name}.product", [source, self.constant(f"{name}.weight", weight.T)])
        return self.add("Add", name, [product, self.constant(f"{name}.bias", bias)])

    def norm(self, name: str, source: str, weight: Array, bias: Array) -> str:
        parameters = [self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.add("LayerNormalization", name, [source, *parameters], axis=-1, epsilon=NORM_EPSILON)


def build(weights: dict[str, Array]) -> onnx.ModelProto:
    """The graph from `input_ids` (int64, 1 x tokens) to `sentence_embedding` (float32, 1 x 384, unit length)
    and `last_hidden_state` (float32, 1 x tokens x 384), which costs nothing unless it is fetched."""
    graph = _Graph()
    state = _embed_tokens(graph, weights)
    for layer in range(LAYERS):
        output = "last_hidden_state" if layer == LAYERS - 1 else f"layer{layer}"
        state = _encode(graph, weights, f"encoder.layer.{layer}.", state, output)
    mean = graph.add("ReduceMean", "mean", [state, graph.integers("token_axis", 1)], keepdims=0)
    graph.add("LpNormalization", "sentence_embedding", [mean], axis=-1, p=2)

    tensor = helper.make_tensor_value_info
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "all-MiniLM-L6-v2",
            [tensor("input_ids", TensorProto.INT64, [1, "tokens"])],
            [
                tensor("sentence_embedding", TensorProto.FLOAT, [1, DIMENSIONS]),
                tensor("last_hidden_state", TensorProto.FLOAT, [1, "tokens", DIMENSIONS]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model


def write(weights: Path, target: Path, precision: str) -> None:
    """Builds the graph from a safetensors file and saves it, for "int8" with its weights quantised.

    Each output channel has its own scale: with one scale for the whole matrix, vectors come out as far
    off as cosine 0.75 from those of float32; with one for each channel, 0.97. Weights use 7 of the 8
    bits, because on processors without VNNI sums of products of full bytes overflow.
    """
    model = build(read_safetensors(weights))
    if precision == "fp32":
        onnx.save(model, target)
        return
    # The quantiser recommends its own clean-up of exported graphs first. This one is clean as built.
    add_pre_process_metadata(model)
    quantize_dynamic(model, target, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)


def _embed_tokens(graph: _Graph, weights: dict[str, Array]) -> str:
    words = graph.constant("words", weights["embeddings.word_embeddings.weight"])
    # There is only one segment, so its vector is added to every position's once and for all.
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    positions = graph.constant("positions", weights["embeddings.position_embeddings.weight"] + segment)
    zero = graph.integers("zero", 0)
    length = graph.add("Shape", "length", ["input_ids"], start=1, end=2)
    summed = graph.add(
        "Add",
        "embedded",
        [
            graph.add("Gather", "word", [words, "input_ids"]),
            graph.add("Slice", "position", [positions, zero, length, zero]),
        ],
    )
    norm = "embeddings.LayerNorm."
    return graph.norm("embeddings", summed, weights[norm + "weight"], weights[norm + "bias"])


def _encode(graph: _Graph, weights: dict[str, Array], layer: str, state: str, output: str) -> str:
    """One encoder layer: self-attention and a feed-forward network, each added to its input and normalised."""

    def parameters(name: str) -> tuple[Array, Array]:
        return weights[f"{layer}{name}.weight"], weights[f"{layer}{name}.bias"]

    attended = graph.linear(
        f"{layer}attended", _attend(graph, weights, layer, state), *parameters("attention.output.dense")
    )
    residual = graph.add("Add", f"{layer}residual", [attended, state])
    middle = graph.norm(f"{layer}middle", residual, *parameters("attention.output.LayerNorm"))

    inner = graph.linear(f"{layer}inner", middle, *parameters("intermediate.dense"))
    active = graph.add("Gelu", f"{layer}active", [inner])
    outer = graph.linear(f"{layer}outer", active, *parameters("output.dense"))
    summed = graph.add("Add", f"{layer}sum", [outer, middle])
    return graph.norm(output, summed, *parameters("output.LayerNorm"))


def _attend(graph: _Graph, weights: dict[str, Array], layer: str, state: str) -> str:
    """Multi-head self-attention. Query, key and value are one product, so the input is quantised once for all."""
    width = DIMENSIONS // HEADS
    names = [f"{layer}attention.self.{part}" for part in ("query", "key", "value")]
    # The 1/sqrt(width) of scaled dot-product attention is folded into the query's weights.
    scales = [np.float32(width**-0.5), np.float32(1), np.float32(1)]
    weight = np.concatenate([weights[f"{name}.weight"] * scale for name, scale in zip(names, scales, strict=True)])
    bias = np.concatenate([weights[f"{name}.bias"] * scale for name, scale in zip(names, scales, strict=True)])

    joined = graph.linear(f"{layer}qkv", state, weight, bias)
    by_head = graph.add(
        "Reshape", f"{layer}heads", [joined, graph.integers(f"{layer}heads.shape", 0, 0, 3 * HEADS, width)]
    )
    heads_first = graph.add("Transpose", f"{layer}heads.first", [by_head], perm=[0, 2, 1, 3])
    query, key, value = graph.split(f"{layer}parts", heads_first, 3, axis=1)

    turned_key = graph.add("Transpose", f"{layer}key", [key], perm=[0, 1, 3, 2])
    scores = graph.add("MatMul", f"{layer}scores", [query, turned_key])
    shares = graph.add("Softmax", f"{layer}shares", [scores], axis=-1)
    mixed = graph.add("MatMul", f"{layer}mixed", [shares, value])
    tokens_first = graph.add("Transpose", f"{layer}mixed.turned", [mixed], perm=[0, 2, 1, 3])
    return graph.add(
        "Reshape", f"{layer}context", [tokens_first, graph.integers(f"{layer}context.shape", 0, 0, DIMENSIONS)]
    )
