"""Near-duplicates, changed values and denials are told from texts that only share words."""

from pathlib import Path

import numpy as np
import pytest

from polymem.core.conflicts.contradiction import compare
from polymem.inference import EmbedderSpec, open_embedder
from tests.core.conflict_report import LABELS, NONE, measure, read_pairs, report

DOCUMENT = Path(__file__).parents[2] / "docs" / "conflicts.md"


def said(old: str, new: str, similarity: float = 0.9) -> str | None:
    reason = compare(old, new, similarity).reason
    return None if reason is None else reason.value


def test_there_are_enough_pairs_of_every_class_each_once() -> None:
    pairs = read_pairs()
    assert len(pairs) >= 150
    assert {pair.label for pair in pairs} == set(LABELS)
    assert min(sum(pair.label == label for pair in pairs) for label in LABELS) >= 20
    assert len({(pair.old, pair.new) for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("held_out", [False, True])
def test_the_rules_tell_the_classes_apart(held_out: bool) -> None:
    for label, quality in measure(read_pairs()[held_out::2]).items():
        assert quality.precision >= 0.9, label
        assert quality.recall >= (0.85 if label != NONE else 0.9), label


def test_the_document_reports_what_is_measured() -> None:
    assert report() in DOCUMENT.read_text("utf-8")


async def test_the_recorded_similarities_are_those_of_the_local_model(model_cache: Path) -> None:
    pairs = read_pairs()[::6]
    embedder = open_embedder(EmbedderSpec(kind="local"), model_cache)
    embeddings = await embedder.embed_documents([text for pair in pairs for text in (pair.old, pair.new)])
    await embedder.close()
    vectors = np.array([np.frombuffer(embedding.vectors, "<f4") for embedding in embeddings])
    cosines = (vectors[0::2] * vectors[1::2]).sum(axis=1)
    assert np.abs(cosines - np.array([pair.similarity for pair in pairs])).max() < 0.03


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Use tabs, not spaces", "Use tabs", "paraphrase"),
        ("Use tabs, not spaces", "Use spaces, not tabs", "changed_value"),
        ("Use pnpm instead of npm", "Use npm instead of pnpm", "changed_value"),
        ("Never deploy on Fridays", "Do not deploy on Fridays", "paraphrase"),
        ("Ana ist Ärztin", "Ana ist Ärztin.", "duplicate"),
        ("Порт сервера 8080", "Порт сервера 8081", "changed_value"),
        ("", "", "duplicate"),
        ("!!!", "???", "duplicate"),
    ],
)
def test_odd_pairs_are_judged_too(old: str, new: str, reason: str | None) -> None:
    assert said(old, new) == reason


def test_a_verdict_names_the_difference() -> None:
    assert compare("The port is 8080", "The port is 9090", 0.9).detail == "8080 became 9090."
    assert compare("Ana likes tea", "Ben likes tea", 0.9).detail == "One is about Ana, the other about Ben."


def test_a_text_is_a_duplicate_of_itself_whatever_it_holds() -> None:
    for pair in read_pairs():
        assert said(pair.old, pair.old) == "duplicate"


def test_a_comparison_is_quick_on_long_texts() -> None:
    long = " ".join(f"word{number} is {number}." for number in range(20_000))
    assert said(long, long + " more") in ("paraphrase", "changed_value")
