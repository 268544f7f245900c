"""The corpora of the benchmarks are what docs/performance.md says of them."""

import numpy as np
import pytest

from bench import corpus


def test_the_same_seed_makes_the_same_texts_and_another_one_others() -> None:
    assert corpus.texts(200, seed=1) == corpus.texts(200, seed=1)
    assert corpus.texts(200, seed=1) != corpus.texts(200, seed=2)


def test_six_of_ten_texts_are_turns_of_a_conversation() -> None:
    texts = corpus.texts(20_000)
    assert sum(text.container is not None for text in texts) / len(texts) == pytest.approx(0.6, abs=0.03)


def test_no_question_is_asked_twice() -> None:
    assert len(set(corpus.questions(5000))) == 5000


def test_vectors_beyond_the_real_ones_are_unit_vectors_near_a_real_one() -> None:
    texts = corpus.texts(300)
    real = np.eye(100, 384, dtype=np.float32)
    rows = np.stack(list(corpus.vectors(texts, real)))
    assert np.array_equal(rows[:100], real)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    nearest = (rows[100:] @ real.T).max(axis=1)
    assert nearest.mean() == pytest.approx(corpus.COSINE_TO_TEMPLATE, abs=0.01)
