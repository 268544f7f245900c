"""Embedding: one query against the bare runtime on the same tokens, and many texts on all cores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from bench import corpus
from bench.report import Goal, Quantity, Row, ratio
from bench.setup import MODELS, Options, embedder, run_on_uvloop
from bench.timing import Call, interleaved, mean
from polymem.core.ports import Embedder
from polymem.inference.encoder import WindowTokenizer, _open_session
from polymem.inference.minilm import ensure_graph, find_weights

TITLE = "Embedding"


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    return run_on_uvloop(_measure(options))


class BareModel:
    """The embedding model's graph run by onnxruntime with nothing around it, on token ids made beforehand."""

    def __init__(self, texts: Sequence[str], *, all_cores: bool = False) -> None:
        weights = find_weights()
        if weights is None:
            raise SystemExit("The weights of the bundled model are not installed; run make setup")
        graph = ensure_graph(MODELS, weights, "int8")
        # One thread and the same graph optimisations as the product, or else whatever onnxruntime does by default.
        self._session: Any = onnxruntime.InferenceSession(graph) if all_cores else _open_session(graph)
        self._output = self._session.get_outputs()[0].name
        tokenizer = WindowTokenizer(weights.tokenizer)
        self.windows = [tokenizer.windows([tokenizer.tokens(text)])[0] for text in texts]
        names = [node.name for node in self._session.get_inputs()]
        self._feeds = [{name: _input(name, window)[np.newaxis] for name in names} for window in self.windows]

    async def run(self, index: int) -> object:
        """The vector of the text of that index."""
        return self._session.run([self._output], self._feeds[index])


def _input(name: str, window: Any) -> Any:
    match name:
        case "input_ids":
            return window
        case "attention_mask":
            return np.ones_like(window)
        case _:
            return np.zeros_like(window)


async def _measure(options: Options) -> list[Row]:
    rounds = options.sized(1000, 50)
    asked = corpus.questions(rounds + 20)
    bare, bare_all_cores = BareModel(asked), BareModel(asked, all_cores=True)
    async with embedder() as model:

        async def embed(index: int) -> object:
            return await model.embed_query(asked[index])

        timed = await interleaved({"bare": bare.run, "embed": embed}, rounds, warm_up=20)
        default = await interleaved({"bare": bare_all_cores.run}, options.sized(300, 20), warm_up=20)
        bulk_rounds, size = options.sized(5, 2), options.sized(250, 50)
        written = [text.content for text in corpus.texts((bulk_rounds + 1) * size, seed=4)]
        tokens = mean([model.count_tokens(text) for text in written])

        def bulk(embedder: Embedder) -> Call:
            async def embed_many(index: int) -> object:
                return await embedder.embed_documents(written[index * size : (index + 1) * size])

            return embed_many

        async with embedder(threads=1) as single:
            many = await interleaved({"all": bulk(model), "one": bulk(single)}, bulk_rounds, warm_up=1)
    query_tokens = mean([len(window) for window in bare.windows])
    ours = Quantity(timed["embed"].p50, "ms", timed["embed"].p95)
    one_thread = Quantity(timed["bare"].p50, "ms", timed["bare"].p95)
    all_cores = Quantity(default["bare"].p50, "ms", default["bare"].p95)
    return [
        ratio(f"query of {query_tokens:.0f} tokens", ours, one_thread, "bare onnxruntime, same tokens", Goal(1.3)),
        ratio("the same, onnxruntime on all cores", ours, all_cores, "bare onnxruntime, its defaults"),
        ratio(
            f"texts of {tokens:.0f} tokens, all cores",
            Quantity(1000 * size / mean(many["all"].milliseconds), "texts/s"),
            Quantity(1000 * size / mean(many["one"].milliseconds), "texts/s"),
            "one thread",
        ),
    ]
