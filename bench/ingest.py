"""Keeping many texts: batches through the core and over HTTP, against what the embedder alone does with them."""

from pathlib import Path

from bench import corpus
from bench.cores import open_core, to_draft, to_memory
from bench.report import Goal, Quantity, Row, share
from bench.servers import serving
from bench.setup import MODELS, Options, embedder, run_on_uvloop, scratch
from bench.timing import interleaved, mean
from polymem.client import AsyncClient
from polymem.client.inputs import Draft
from polymem.core.text import indexed_text

TITLE = "Bulk ingest (batches of 500, durable when answered)"

_PROJECT = "bench"
_BASELINE = "the embedder alone"


def run(options: Options) -> list[Row]:
    """The rows of this benchmark."""
    with scratch() as scratch_dir:
        (scratch_dir / "core").mkdir()
        with serving(scratch_dir / "served", MODELS) as server:
            return run_on_uvloop(_measure(scratch_dir / "core", server.url, options))


async def _measure(data_dir: Path, url: str, options: Options) -> list[Row]:
    rounds, size = options.sized(4, 2), options.sized(500, 50)
    texts = corpus.texts((rounds + 1) * size, seed=5)
    batches = [texts[start : start + size] for start in range(0, len(texts), size)]
    async with embedder() as model, open_core(data_dir, model) as opened, AsyncClient(url, timeout=120) as client:
        core, scope = opened.core, opened.scope

        async def embed(index: int) -> object:
            return await model.embed_documents([indexed_text(to_memory(text, scope)) for text in batches[index]])

        async def through_core(index: int) -> object:
            return await core.memories.add_many(scope, [to_draft(text, _PROJECT) for text in batches[index]])

        async def over_http(index: int) -> object:
            return await client.add_many([_to_json(text) for text in batches[index]])

        timed = await interleaved({"embed": embed, "core": through_core, "http": over_http}, rounds, warm_up=1)
        tokens = mean([model.count_tokens(indexed_text(to_memory(text, scope))) for text in texts])
        kept = [await core.memories.count(scope), (await client.stats()).memories]
    assert kept == [len(texts)] * 2

    def speed(contender: str) -> Quantity:
        return Quantity(1000 * size / mean(timed[contender].milliseconds), "texts/s")

    goal = Goal(85, at_least=True)
    return [
        share(f"core.memories.add_many, texts of {tokens:.0f} tokens", speed("core"), speed("embed"), _BASELINE, goal),
        share("POST /v1/memories/batch", speed("http"), speed("embed"), _BASELINE, goal),
    ]


def _to_json(text: corpus.Text) -> Draft:
    draft = Draft(content=text.content, project=_PROJECT)
    if text.container is not None:
        draft |= {"container": text.container, "occurred_at": text.occurred_at}
    return draft
