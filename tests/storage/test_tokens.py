"""Token vectors: kept with the text they belong to, compared token by token, and made later where they are missing."""

import hashlib
from datetime import timedelta

import numpy as np

from polymem.core.filters import active
from polymem.core.model import Memory
from polymem.core.people import Scope
from polymem.core.ports import Candidate, CandidateQuery, Derived, Embedding, EmbeddingModel, Insert, Store, TokenSpace
from polymem.inference.token_vectors import pack
from tests.storage.conftest import Raw
from tests.storage.support import LATER, MODEL, NOW, changed, finish, keep, memory, take, vector

TOKENS = EmbeddingModel(MODEL.name, MODEL.dimensions, TokenSpace("words", 32))


def rows(text: str) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A unit vector for each word, which depends on the word alone."""
    seeds = [int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest()) for word in text.lower().split()]
    made = np.array([np.random.default_rng(seed).standard_normal(32) for seed in seeds], np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def derived(text: str) -> Derived:
    return Derived(TOKENS, Embedding(vector(text), 1, pack(rows(text))))


async def tell(store: Store, scope: Scope, *texts: str, container: str | None = None) -> list[Memory]:
    memories = [
        memory(scope, text, occurred_at=NOW + timedelta(minutes=number), container=container)
        for number, text in enumerate(texts)
    ]
    await store.apply(scope, [Insert(each, derived(each.content)) for each in memories])
    return memories


def question(text: str, **fields: object) -> CandidateQuery:
    values: dict[str, object] = {
        "text": text,
        "vector": vector(text),
        "model": TOKENS,
        "filter": active(LATER),
        "tokens": rows(text).tobytes(),
        "words": tuple(text.lower().split()),
    }
    return CandidateQuery(**values | fields)  # type: ignore[arg-type]


async def ask(store: Store, scope: Scope, text: str, **fields: object) -> dict[str, Candidate]:
    return {found.memory_id: found for found in (await store.candidates(scope, question(text, **fields))).items}


async def test_a_memory_with_the_words_of_the_question_matches_wholly(store: Store, scope: Scope) -> None:
    cat, dog = await tell(store, scope, "cat sleeps kitchen", "dog barks garden")
    found = await ask(store, scope, "cat kitchen")
    assert (found[cat.id].tokens or 0) > 0.95
    assert (found[dog.id].tokens or 0) < 0.5
    assert found[cat.id].context_tokens == found[cat.id].tokens


async def test_rare_words_weigh_more(store: Store, scope: Scope) -> None:
    common, rare = await tell(store, scope, "cat garden", "violin kitchen")
    await tell(store, scope, *(f"cat number{number}" for number in range(20)))
    found = await ask(store, scope, "cat violin")
    assert (found[rare.id].tokens or 0) > 0.2 + (found[common.id].tokens or 0)


async def test_in_a_conversation_a_neighbour_supplies_what_is_missing(store: Store, scope: Scope) -> None:
    one, two, *_ = await tell(store, scope, "violin brussels", "stolen yesterday", *["else"] * 6, container="talk")
    (alone,) = await tell(store, scope, "stolen yesterday")
    found = await ask(store, scope, "violin stolen")
    assert (found[two.id].context_tokens or 0) > 0.3 + (found[two.id].tokens or 0)
    assert (found[one.id].context_tokens or 0) > 0.3 + (found[one.id].tokens or 0)
    assert found[alone.id].context_tokens == found[alone.id].tokens == found[two.id].tokens


async def test_only_the_best_of_the_first_stage_come_to_the_second(store: Store, scope: Scope) -> None:
    told = await tell(store, scope, *(f"cat number{number}" for number in range(8)))
    found = await ask(store, scope, "cat number5", depth=3)
    assert sorted(each.first_rank or 0 for each in found.values()) == [1, 2, 3]
    assert found[told[5].id].first_rank == 1
    (last,) = {each.id for each in told} - set(await ask(store, scope, "cat number5", depth=7))
    included = await ask(store, scope, "cat number5", depth=3, include=last)
    assert (included[last].first_rank or 0) > 3
    assert included[last].tokens is not None


async def test_a_memory_without_tokens_is_found_without_a_match(store: Store, scope: Scope) -> None:
    (bare,) = await keep(store, scope, memory(scope, "cat sleeps"))
    found = (await ask(store, scope, "cat"))[bare.id]
    assert (found.tokens, found.context_tokens) == (None, None)
    assert found.keyword > 0


async def test_a_text_is_pending_until_it_has_the_tokens_of_the_model(store: Store, scope: Scope) -> None:
    (bare,) = await keep(store, scope, memory(scope, "cat sleeps"))
    assert (await ask(store, scope, "cat"))[bare.id].tokens is None
    assert (await store.count_pending(MODEL), await store.count_pending(TOKENS)) == (0, 1)
    await store.backlog.plan(TOKENS, 10)
    batch = await take(store, TOKENS)
    embeddings = [(text, derived(text.text).embedding or Embedding(b"", 0)) for text in batch.texts]
    await finish(store, batch, embeddings, TOKENS)
    assert await store.count_pending(TOKENS) == 0
    assert ((await ask(store, scope, "cat"))[bare.id].tokens or 0) > 0.95


async def test_a_changed_text_is_compared_by_its_new_tokens(store: Store, scope: Scope) -> None:
    (told,) = await tell(store, scope, "cat sleeps")
    assert ((await ask(store, scope, "cat"))[told.id].tokens or 0) > 0.95
    await store.apply(scope, [changed(told, content="dog barks", derived=derived("dog barks"))])
    found = await ask(store, scope, "cat dog")
    assert ((await ask(store, scope, "dog"))[told.id].tokens or 0) > 0.95
    assert (found[told.id].tokens or 0) < 0.9


async def test_a_question_about_the_past_compares_the_tokens_of_then(store: Store, scope: Scope) -> None:
    (told,) = await tell(store, scope, "cat sleeps")
    await store.apply(scope, [changed(told, content="dog barks", derived=derived("dog barks"), updated_at=LATER)])
    then = NOW + timedelta(minutes=1)
    assert ((await ask(store, scope, "cat", known_at=then))[told.id].tokens or 0) > 0.95
    assert ((await ask(store, scope, "dog"))[told.id].tokens or 0) > 0.95


async def test_tokens_that_cannot_be_right_are_reported_and_removed(store: Store, scope: Scope, raw: Raw) -> None:
    whole, torn = await tell(store, scope, "cat sleeps", "dog barks")
    assert (await store.verify(repair=False, model=TOKENS)).problems == ()
    raw.run(f"UPDATE memory_vectors SET tokens = '' , token_space = '' WHERE memory_id = '{whole.id}'")
    assert (await store.verify(repair=False, model=TOKENS)).problems == ()
    raw.run(f"UPDATE memory_vectors SET token_space = '' WHERE memory_id = '{torn.id}'")
    found = await store.verify(repair=True, model=TOKENS)
    assert found.detail == {"vectors": 1}
    assert await store.count_pending(TOKENS) == 2
