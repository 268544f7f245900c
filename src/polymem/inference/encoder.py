"""Runs one ONNX sentence-embedding model: text to tokens, tokens to vectors. Blocking and thread-safe.

Importing this loads numpy, onnxruntime and tokenizers; everything else in the package does without
until a first text comes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from polymem.inference.vectors import unit_rows
from polymem.inference.windows import MAX_WINDOWS, pieces, spans

Tokens = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float32]
States = npt.NDArray[np.float32]
Pooling = Literal["mean", "cls"]

WINDOW_TOKENS = 256
"""Longest input, with the tokens that mark its ends: what all-MiniLM-L6-v2 was trained for."""

OVERLAP_TOKENS = 32
"""Neighbouring windows share this many, so that a sentence on a boundary is whole in one of them."""

UNIT_TOLERANCE = 1e-6

SENTENCE_VECTOR = "sentence_embedding"
TOKEN_VECTORS = ("last_hidden_state", "token_embeddings")


class WindowTokenizer:
    """Splits text into token ids, and token ids into windows the model can read.

    `path` is a file of the `tokenizers` library; raises ValueError when it is not.
    """

    def __init__(self, path: Path, window: int = WINDOW_TOKENS) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"{path} is not a tokenizer: {error}") from error
        # The files ask for padding to, and truncation at, lengths of their own.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        marked = self._tokenizer.encode("a")
        special = marked.special_tokens_mask
        leading = special.index(0) if 0 in special else len(special)
        trailing = special[::-1].index(0) if 0 in special else 0
        self._opening = np.array(marked.ids[:leading], dtype=np.int64)
        self._closing = np.array(marked.ids[len(special) - trailing :], dtype=np.int64)
        self._room = window - len(self._opening) - len(self._closing)
        self._overlap = min(OVERLAP_TOKENS, self._room // 4)
        if self._room < 1:
            raise ValueError(f"the model's window of {window} tokens holds no text")

    def count(self, text: str) -> int:
        """How many tokens the whole text has, without the ones that mark its ends."""
        return sum(len(self._ids(piece)) for piece in pieces(text))

    def tokens(self, piece: str) -> Tokens:
        """The token ids of a piece of text, without the ones that mark its ends."""
        return np.array(self._ids(piece), dtype=np.int64)

    def windows(self, tokens: Iterable[Tokens], limit: int = MAX_WINDOWS) -> list[Tokens]:
        """The consecutive pieces of one text as model inputs: at most `limit`, spread as in `windows.spans`."""
        joined = np.concatenate(list(tokens))
        return [
            np.concatenate([self._opening, joined[start:end], self._closing])
            for start, end in spans(len(joined), self._room, self._overlap, limit)
        ]

    def text_tokens(self, window: Tokens) -> slice:
        """Which tokens of a window are of the text, and not the ones that mark its ends."""
        return slice(len(self._opening), len(window) - len(self._closing))

    def vocabulary(self) -> list[str]:
        """The written form of every token, by its id."""
        ids = self._tokenizer.get_vocab()
        written = [""] * (max(ids.values()) + 1)
        for form, id_ in ids.items():
            written[id_] = form
        return written

    def _ids(self, piece: str) -> list[int]:
        # The call for one text would hold the interpreter's lock; the one for a batch lets it go.
        return self._tokenizer.encode_batch_fast([piece], add_special_tokens=False)[0].ids


class Encoder:
    """An onnxruntime session that makes one unit vector of one window.

    The model takes `input_ids` and, if it names them, `attention_mask` and `token_type_ids`. It gives
    either `sentence_embedding` or one vector for each token, which `pooling` makes one of. Windows are
    never batched: int8 activations are scaled by the batch, so a text's vector would depend on its
    neighbours, and batches are no faster on a CPU. Raises ValueError for a model of another form.
    """

    def __init__(self, path: Path, pooling: Pooling = "mean") -> None:
        self._session = _open_session(path)
        self._inputs = {node.name for node in self._session.get_inputs()}
        unknown = self._inputs - {"input_ids", "attention_mask", "token_type_ids"}
        if unknown or "input_ids" not in self._inputs:
            raise ValueError(f"the model's inputs are {sorted(self._inputs)}, not input_ids and its masks")
        outputs = [node.name for node in self._session.get_outputs()]
        known = [name for name in (SENTENCE_VECTOR, *TOKEN_VECTORS) if name in outputs]
        if not known:
            raise ValueError(f"the model's outputs are {outputs}, neither {SENTENCE_VECTOR} nor last_hidden_state")
        self._output = known[0]
        self._states = next((name for name in TOKEN_VECTORS if name in outputs), None)
        self._pooling = pooling

    def encode(self, *windows: Tokens) -> Vector:
        """The unit vector of a window, or the direction of several windows' mean; shape (dimensions,).

        Raises ValueError when the model fails or gives no direction.
        """
        return self.mean([self._encode_one(window) for window in windows])

    @staticmethod
    def mean(vectors: list[Vector]) -> Vector:
        """The direction of the mean of unit vectors. Raises ValueError where there is none."""
        return vectors[0] if len(vectors) == 1 else unit_rows(np.mean(vectors, axis=0, keepdims=True))[0]

    def encode_tokens(self, window: Tokens) -> tuple[Vector, States]:
        """The unit vector of a window and, from the same run, the last state of each of its tokens.

        Raises ValueError as `encode`, and for a model that gives no states.
        """
        if self._states is None:
            raise ValueError("the model gives no vectors of its tokens")
        vector, states = self._run(window, [self._output, self._states])
        return self._unit(vector), states

    def _encode_one(self, window: Tokens) -> Vector:
        return self._unit(self._run(window, [self._output])[0])

    def _run(self, window: Tokens, outputs: list[str]) -> list[States]:
        ids = window[np.newaxis]
        feeds = {"input_ids": ids}
        if "attention_mask" in self._inputs:
            feeds["attention_mask"] = np.ones_like(ids)
        if "token_type_ids" in self._inputs:
            feeds["token_type_ids"] = np.zeros_like(ids)
        try:
            return [output[0] for output in self._session.run(outputs, feeds)]
        except Exception as error:  # onnxruntime's errors have no root of their own
            raise ValueError(f"the model does not take this text: {error}") from error

    def _unit(self, output: States) -> Vector:
        vector: Vector = output
        if output.ndim == 2:
            vector = output[0] if self._pooling == "cls" else output.mean(axis=0)
        # Most models normalise their sentence vector themselves; this spares them the second time.
        if abs(float(vector @ vector) - 1.0) < UNIT_TOLERANCE:
            return vector.astype("<f4", copy=False)
        unit: Vector = unit_rows(vector[np.newaxis])[0]
        return unit


def _open_session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Requests run side by side, one thread each, instead of each spreading over all cores.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            path,
            options,
            providers=["CPUExecutionProvider"],
            # The fused kernel is slower on the CPU than the two operators it replaces: int8 runs 20 % faster without.
            disabled_optimizers=["SkipLayerNormFusion"],
        )
    except Exception as error:  # onnxruntime's errors have no root of their own
        raise ValueError(f"{path} is not a model onnxruntime can run: {error}") from error
