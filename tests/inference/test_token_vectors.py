from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from polymem.core.ports import Embedding, QueryEmbedding
from polymem.inference import EmbedderSpec, WarmEmbedder, open_embedder
from polymem.inference.minilm import TOKEN_SPACE
from polymem.inference.token_vectors import MOST_QUERY_TOKENS, MOST_TOKENS, pack
from polymem.storage.search.late_interaction import best_matches, unpacked

WIDTH = TOKEN_SPACE.dimensions
Rows = npt.NDArray[np.float32]


def rows_of(query: QueryEmbedding) -> Rows:
    return np.frombuffer(query.tokens, "<f4").reshape(len(query.words), WIDTH)


def matches(query: QueryEmbedding, *texts: Embedding) -> Rows:
    return best_matches(rows_of(query), [text.tokens for text in texts])


async def test_each_token_of_a_question_finds_itself_in_the_same_text(embedder: WarmEmbedder) -> None:
    text = "Marguerite's violin was stolen from the train to Brussels"
    (embedding,) = await embedder.embed_documents([text])
    assert matches(await embedder.read_query(text), embedding).min() > 0.95


async def test_a_word_is_matched_best_where_it_means_the_same(embedder: WarmEmbedder) -> None:
    texts = ["They moored the boat at the river bank", "She opened an account at the bank", "The cat sleeps"]
    question = await embedder.read_query("savings bank loan")
    found = matches(question, *await embedder.embed_documents(texts))[:, question.words.index("bank")]
    assert found.argsort().tolist() == [2, 0, 1]


async def test_the_vector_of_a_question_is_the_same_with_tokens_and_without(embedder: WarmEmbedder) -> None:
    question = await embedder.read_query("Which port does Postgres listen on?")
    assert question.vector == await embedder.embed_query("Which port does Postgres listen on?")


async def test_words_that_say_nothing_are_left_out_and_names_stand_whole(embedder: WarmEmbedder) -> None:
    question = await embedder.read_query("What doesn't the tokenizer's E_5024 mean, and why?")
    assert set(question.words) == {"tokenizer", "e", "5024", "mean"}
    assert len(rows_of(question)) == len(question.words) > 4
    np.testing.assert_allclose(np.linalg.norm(rows_of(question), axis=1), 1, atol=1e-5)


async def test_a_text_of_nothing_but_such_words_keeps_them(embedder: WarmEmbedder) -> None:
    question = await embedder.read_query("to be or not to be?")
    (embedding,) = await embedder.embed_documents(["To be or not to be"])
    assert question.words[:3] == ("to", "be", "or")
    assert len(embedding.tokens) == 6 * WIDTH // 2


@pytest.mark.parametrize("text", ["", "   ", "…"])
async def test_a_text_without_words_is_no_trouble(embedder: WarmEmbedder, text: str) -> None:
    question = await embedder.read_query(text)
    (embedding,) = await embedder.embed_documents([text])
    assert len(question.tokens) == 4 * WIDTH * len(question.words)
    assert len(embedding.tokens) % (WIDTH // 2) == 0


async def test_what_a_long_text_costs_is_bounded_and_its_end_is_kept(embedder: WarmEmbedder) -> None:
    filler = " ".join(f"The committee met for the {number % 50}th time about coffee machines." for number in range(400))
    question = await embedder.read_query("Which violin was stolen?")
    told, untold = await embedder.embed_documents([f"{filler} Marguerite's violin was stolen.", filler])
    assert len(told.tokens) <= MOST_TOKENS * WIDTH // 2
    assert (matches(question, told, untold)[0] > matches(question, told, untold)[1]).all()
    assert len((await embedder.read_query(filler)).words) <= MOST_QUERY_TOKENS


async def test_tokens_of_both_precisions_are_kept_apart(model_cache: Path) -> None:
    models = [open_embedder(EmbedderSpec(precision=precision), model_cache).model for precision in ("int8", "fp32")]
    assert models[0] != models[1]


def test_packed_tokens_keep_their_direction() -> None:
    rows = np.random.default_rng(7).standard_normal((500, WIDTH)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    packed = pack(rows)
    assert len(packed) == len(rows) * WIDTH // 2
    values = unpacked(np.frombuffer(packed, np.uint8), WIDTH)
    cosines = (values * rows).sum(axis=1) / np.linalg.norm(values, axis=1)
    assert cosines.min() > 0.98
