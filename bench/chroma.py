"""Side by side with Chroma's PersistentClient: same texts, same embedder, one process, one client.

Chroma runs in this thread with the model called directly; polymem goes through its core, as a door would. Chroma
finds by vector only; of polymem's modes, `vector` does the same and `hybrid` is the default.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
from chromadb.config import Settings

from bench import corpus, locomo_data
from bench.cores import OpenCore, embeddings, open_core, to_draft, write
from bench.report import Quantity, Row, ratio
from bench.setup import MODELS, Options, embedder, run_on_uvloop, scratch
from bench.timing import Call, interleaved, mean
from polymem.core.filters import InProjects
from polymem.core.model import Draft
from polymem.core.ranking import Mode
from polymem.core.recall import RecallQuery
from polymem.core.text import indexed_text
from polymem.inference.encoder import Encoder, WindowTokenizer
from polymem.inference.minilm import ensure_graph, find_weights
from polymem.inference.workers import default_threads

TITLE = "Side by side with Chroma (PersistentClient; the 10 best of a query)"

_BATCH = 1000


@cache
def _model() -> tuple[WindowTokenizer, Encoder, ThreadPoolExecutor]:
    weights = find_weights()
    if weights is None:
        raise SystemExit("The weights of the bundled model are not installed; run make setup")
    encoder = Encoder(ensure_graph(MODELS, weights, "int8"))
    return WindowTokenizer(weights.tokenizer), encoder, ThreadPoolExecutor(default_threads())


class ModelForChroma(chromadb.EmbeddingFunction[Any]):
    """The bundled model as Chroma wants it, on all cores for many texts.

    Chroma makes a new one of the stored configuration whenever something is added, so all share what is loaded.
    """

    def __init__(self) -> None:
        self._tokenizer, self._encoder, self._threads = _model()

    @staticmethod
    def name() -> str:
        """Chroma keeps it with the collection."""
        return "polymem-bench"

    def get_config(self) -> dict[str, Any]:
        """Nothing to keep."""
        return {}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "ModelForChroma":
        """Another one."""
        return ModelForChroma()

    def __call__(self, input: Any) -> Any:
        """The vectors of the texts."""
        if len(input) == 1:
            return [self._vector(input[0])]
        return list(self._threads.map(self._vector, input))

    def _vector(self, text: str) -> Any:
        return self._encoder.encode(*self._tokenizer.windows([self._tokenizer.tokens(text)]))


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    with scratch() as directory:
        return run_on_uvloop(_measure(directory, options))


async def _measure(directory: Path, options: Options) -> list[Row]:
    model = ModelForChroma()
    client = chromadb.PersistentClient(str(directory / "chroma"), Settings(anonymized_telemetry=False))
    async with embedder() as ours, open_core(directory / "polymem", ours) as opened:
        rows = await _recall(opened, _collection(client, "recall", model), model, options)
        rows += await _ingest(opened, _collection(client, "ingest", model), options)
        if options.locomo is not None:
            conversations = locomo_data.load(options.locomo)[: options.sized(10, 1)]
            rows += await _locomo(opened, client, model, conversations)
    return rows


def _collection(client: Any, name: str, model: ModelForChroma) -> Any:
    return client.create_collection(name, metadata={"hnsw:space": "cosine"}, embedding_function=model)


async def _recall(opened: OpenCore, collection: Any, model: ModelForChroma, options: Options) -> list[Row]:
    texts = corpus.texts(options.sized(10_000, 1000))
    made = list(await embeddings(opened, texts))
    rows = np.stack([np.frombuffer(each.vectors, "<f4") for each in made])
    await write(opened, texts, iter(made))
    for start in range(0, len(texts), _BATCH):
        part = range(start, start + _BATCH)
        collection.add(
            ids=[str(index) for index in part],
            documents=[texts[index].content for index in part],
            embeddings=rows[start : start + _BATCH],
        )

    rounds, warm_up = options.sized(300, 20), 20
    asked = corpus.questions(5 * (rounds + warm_up))
    # What is asked in the first two fifths is embedded beforehand: chroma is given the vector, polymem remembers it.
    known = [model([text])[0] for text in asked[: rounds + warm_up]]
    for text in asked[: 2 * (rounds + warm_up)]:
        await opened.core.embedder.embed_query(text)

    async def chroma_vector(index: int) -> object:
        return collection.query(query_embeddings=[known[index]], n_results=10)

    async def chroma_text(index: int) -> object:
        return collection.query(query_texts=[asked[2 * (rounds + warm_up) + index]], n_results=10)

    def polymem(fifth: int, mode: Mode) -> Call:
        async def recall(index: int) -> object:
            text = asked[fifth * (rounds + warm_up) + index]
            return await opened.core.recall(opened.scope, RecallQuery(text=text, mode=mode, min_score=0))

        return recall

    timed = await interleaved(
        {
            "chroma, vector given": chroma_vector,
            "vector, vector given": polymem(0, Mode.VECTOR),
            "hybrid, vector given": polymem(1, Mode.HYBRID),
            "chroma, text": chroma_text,
            "vector, text": polymem(3, Mode.VECTOR),
            "hybrid, text": polymem(4, Mode.HYBRID),
        },
        rounds,
        warm_up,
    )

    def row(mode: str, given: str) -> Row:
        value, baseline = timed[f"{mode}, {given}"], timed[f"chroma, {given}"]
        return ratio(
            f"recall in {len(texts):,}, {given}: {mode}",
            Quantity(value.p50, "ms", value.p95),
            Quantity(baseline.p50, "ms", baseline.p95),
            "chroma",
        )

    return [row(mode, given) for given in ("vector given", "text") for mode in ("vector", "hybrid")]


async def _ingest(opened: OpenCore, collection: Any, options: Options) -> list[Row]:
    rounds, size = options.sized(3, 1), options.sized(500, 50)
    texts = corpus.texts((rounds + 1) * size, seed=11)
    batches = [texts[start : start + size] for start in range(0, len(texts), size)]

    async def chroma_bulk(index: int) -> None:
        ids = [f"{index}-{number}" for number in range(size)]
        collection.add(ids=ids, documents=[text.content for text in batches[index]])

    async def polymem_bulk(index: int) -> object:
        drafts = [to_draft(text, "ingest") for text in batches[index]]
        return await opened.core.memories.add_many(opened.scope, drafts)

    bulk = await interleaved({"chroma": chroma_bulk, "polymem": polymem_bulk}, rounds, warm_up=1)

    single_rounds = options.sized(200, 20)
    singles = corpus.texts(single_rounds + 20, seed=12)

    async def chroma_single(index: int) -> None:
        collection.add(ids=[f"single-{index}"], documents=[singles[index].content])

    async def polymem_single(index: int) -> object:
        return await opened.core.memories.add(opened.scope, to_draft(singles[index], "ingest"))

    single = await interleaved({"chroma": chroma_single, "polymem": polymem_single}, single_rounds, warm_up=20)
    return [
        ratio(
            f"bulk ingest, batches of {size}",
            Quantity(1000 * size / mean(bulk["polymem"].milliseconds), "texts/s"),
            Quantity(1000 * size / mean(bulk["chroma"].milliseconds), "texts/s"),
            "chroma",
        ),
        ratio(
            "one text (polymem: on disk when answered)",
            Quantity(single["polymem"].p50, "ms", single["polymem"].p95),
            Quantity(single["chroma"].p50, "ms", single["chroma"].p95),
            "chroma",
        ),
    ]


async def _locomo(
    opened: OpenCore, client: Any, model: ModelForChroma, conversations: Sequence[locomo_data.Conversation]
) -> list[Row]:
    answers: dict[str, list[tuple[locomo_data.Question, Sequence[str]]]] = {}
    for conversation in conversations:
        plain = _collection(client, f"plain-{conversation.id}", model)
        turn_ids = [turn.id for turn in conversation.turns]
        plain.add(ids=turn_ids, documents=[turn.content for turn in conversation.turns])
        added = await opened.core.memories.add_many(
            opened.scope,
            [
                Draft(
                    content=turn.content,
                    container=turn.container,
                    occurred_at=turn.occurred_at,
                    project=conversation.id,
                )
                for turn in conversation.turns
            ],
        )
        turn_of = {each.memory.id: turn.id for each, turn in zip(added, conversation.turns, strict=True)}
        dated = _collection(client, f"dated-{conversation.id}", model)
        dated.add(ids=turn_ids, documents=[indexed_text(each.memory) for each in added])
        project = await opened.core.projects.get(opened.scope, conversation.id)
        for question in conversation.questions:
            for name, collection in (("chroma", plain), ("chroma, dated text", dated)):
                found = collection.query(query_texts=[question.text], n_results=20, include=[])["ids"][0]
                answers.setdefault(name, []).append((question, found))
            for mode in (Mode.VECTOR, Mode.HYBRID):
                query = RecallQuery(
                    text=question.text, filter=(InProjects(frozenset({project.id})),), mode=mode, limit=20
                )
                hits = (await opened.core.recall(opened.scope, query)).hits
                answers.setdefault(mode.value, []).append((question, [turn_of[hit.memory.id] for hit in hits]))
    found = {name: locomo_data.figures(given).r10 for name, given in answers.items()}

    def row(figure: str, name: str, baseline: str, against: str) -> Row:
        return Row(
            figure=figure,
            value=Quantity(found[name], "%"),
            baseline=Quantity(found[baseline], "%"),
            against=against,
            result=found[name] - found[baseline],
            unit="points",
        )

    return [
        row("LoCoMo-dev R@10: vector", "vector", "chroma", "chroma, the same texts"),
        row("LoCoMo-dev R@10: hybrid", "hybrid", "chroma", "chroma, the same texts"),
        row("LoCoMo-dev R@10: hybrid", "hybrid", "chroma, dated text", "chroma, given the text polymem indexes"),
    ]
