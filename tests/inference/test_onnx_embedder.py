import asyncio
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polymem.core.errors import EmbeddingUnavailable
from polymem.core.ports import Embedding
from polymem.inference import EmbedderSpec, WarmEmbedder, open_embedder
from polymem.inference.windows import MAX_WINDOWS

FILLER = "The committee met again and talked about the budget, the weather and the coffee machine. "
FACT = "Marguerite's violin was stolen from the train to Brussels."
QUESTION = "What happened to Marguerite's violin?"


def rows(embedding: Embedding) -> npt.NDArray[np.float32]:
    return np.frombuffer(embedding.vectors, "<f4").reshape(embedding.count, -1)


def row(vector: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(vector, "<f4")


async def test_a_text_has_the_same_vector_alone_in_company_and_as_a_query(embedder: WarmEmbedder) -> None:
    texts = [f"{'very ' * number}short note number {number}" for number in range(40)]
    together = await embedder.embed_documents(texts)
    alone = [(await embedder.embed_documents([text]))[0] for text in texts]
    assert together == alone
    assert [embedding.vectors for embedding in alone] == [await embedder.embed_query(text) for text in texts]


async def test_the_nearest_text_is_the_one_that_means_the_same(embedder: WarmEmbedder) -> None:
    texts = [
        "My sister Ana moved to Lisbon to work for a robotics company.",
        "We chose PostgreSQL because of row-level security.",
        "The cat is allergic to fish.",
        "Der Zug nach Berlin hat Verspätung.",
    ]
    questions = [
        "Where does her sibling live now?",
        "Which database did we pick?",
        "What should I not feed my pet?",
        "Ist die Bahn pünktlich?",
    ]
    matrix = np.concatenate([rows(embedding) for embedding in await embedder.embed_documents(texts)])
    nearest = [int((matrix @ row(await embedder.embed_query(question))).argmax()) for question in questions]
    assert nearest == [0, 1, 2, 3]


@pytest.mark.parametrize("position", [0, 60, 120])
async def test_a_fact_anywhere_in_a_long_text_is_found_by_its_best_window(
    embedder: WarmEmbedder, position: int
) -> None:
    sentences = [FILLER] * 120
    sentences.insert(position, FACT + " ")
    long, plain = await embedder.embed_documents(["".join(sentences), FILLER * 121])
    question = row(await embedder.embed_query(QUESTION))
    assert long.count > 5
    scores = rows(long) @ question
    assert scores.max() > (rows(plain) @ question).max() + 0.15
    assert int(scores.argmax()) == pytest.approx(position / 120 * (long.count - 1), abs=1)


async def test_a_text_of_one_mebibyte_has_the_documented_number_of_windows_and_its_end_is_found(
    embedder: WarmEmbedder,
) -> None:
    text = (FILLER * 12_000)[: (1 << 20) - len(FACT)] + FACT
    [embedding] = await embedder.embed_documents([text])
    assert embedding.count == MAX_WINDOWS
    assert len(embedding.vectors) == MAX_WINDOWS * 384 * 4
    scores = rows(embedding) @ row(await embedder.embed_query(QUESTION))
    assert int(scores.argmax()) == MAX_WINDOWS - 1


async def test_a_query_longer_than_the_window_is_one_row(embedder: WarmEmbedder) -> None:
    vector = row(await embedder.embed_query(FILLER * 200 + FACT))
    assert vector.shape == (384,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


async def test_queries_and_small_requests_are_answered_while_a_large_batch_is_under_way(
    embedder: WarmEmbedder,
) -> None:
    await embedder.warm()
    batch = asyncio.ensure_future(embedder.embed_documents([f"{FILLER} {number}" for number in range(600)]))
    await asyncio.sleep(0)
    await embedder.embed_query(QUESTION)
    await embedder.embed_documents([FACT])
    assert not batch.done()
    assert len(await batch) == 600


async def test_a_cancelled_request_stops_and_the_embedder_goes_on(embedder: WarmEmbedder) -> None:
    await embedder.warm()
    batch = asyncio.ensure_future(embedder.embed_documents([f"{FILLER} {number}" for number in range(5000)]))
    await asyncio.sleep(0)
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    assert len(await embedder.embed_documents([FACT])) == 1


async def test_no_texts_have_no_embeddings(embedder: WarmEmbedder) -> None:
    assert await embedder.embed_documents([]) == []


async def test_after_close_a_call_is_refused_with_a_sentence(embedder: WarmEmbedder) -> None:
    await embedder.close()
    with pytest.raises(EmbeddingUnavailable, match="closed"):
        await embedder.embed_query("hello")
    with pytest.raises(EmbeddingUnavailable, match="closed"):
        await embedder.embed_documents(["hello"])


async def test_first_callers_that_come_at_once_load_the_model_once_and_all_get_answers(
    embedder: WarmEmbedder,
) -> None:
    answers = await asyncio.gather(*(embedder.embed_query(f"question {number}") for number in range(8)))
    assert len(set(answers)) == 8


async def test_tokens_are_counted_as_the_model_counts_them(embedder: WarmEmbedder) -> None:
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("hello world") == 2
    assert embedder.count_tokens("tokenization") == 2
    assert embedder.count_tokens(FILLER * 1000) == 1000 * embedder.count_tokens(FILLER)


def test_any_unicode_gives_unit_vectors(model_cache: Path) -> None:
    anything = (
        st.text(max_size=80) | st.text(alphabet=st.characters(), max_size=20) | st.text("\ud800\udfff\x00a\u200d")
    )
    with asyncio.Runner() as runner:
        embedder = open_embedder(EmbedderSpec(threads=2), model_cache)

        @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(texts=st.lists(anything, min_size=1, max_size=4))
        def check(texts: list[str]) -> None:
            embeddings = runner.run(embedder.embed_documents(texts))
            assert len(embeddings) == len(texts)
            for text, embedding in zip(texts, embeddings, strict=True):
                assert np.allclose(np.linalg.norm(rows(embedding), axis=1), 1.0, atol=1e-5)
                assert embedder.count_tokens(text) >= 0
            query = row(runner.run(embedder.embed_query(texts[0])))
            assert np.linalg.norm(query) == pytest.approx(1.0, abs=1e-5)

        check()
        runner.run(embedder.close())
