from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polymem.core.history.trust import PROVENANCE_WEIGHTS, TrustLevel, trust
from polymem.core.model import Memory

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def memory(**fields: Any) -> Memory:
    values: dict[str, Any] = {
        "id": "m",
        "organization_id": "o",
        "content": "A cat",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Memory(**values | {"confidence": 0.8, "provenance": "explicit_statement"} | fields)


def score(at: datetime = NOW, **fields: Any) -> float:
    return trust(memory(**fields), at).score


def test_trust_is_confidence_times_what_its_provenance_leaves_of_it() -> None:
    assert {name: score(provenance=name) for name in PROVENANCE_WEIGHTS} == pytest.approx(
        {name: 0.8 * weight for name, weight in PROVENANCE_WEIGHTS.items()}
    )
    assert score(provenance=None) == score(provenance="hearsay") == pytest.approx(0.8 * 0.85)
    assert score(confidence=None) == pytest.approx(0.8)


def test_validations_add_up_to_a_bound_and_contradictions_take_away() -> None:
    assert score(validations=2) == pytest.approx(0.86)
    assert score(validations=9) == score(validations=99) == pytest.approx(0.95)
    assert score(validations=1, contradictions=3, validated_at=NOW) == pytest.approx(0.74)
    assert score(confidence=1.0, validations=9) == 1.0


def test_a_contradiction_that_stands_leaves_a_third_and_never_nothing() -> None:
    assert score(contradictions=1, contradicted_at=NOW) == pytest.approx(0.24)
    assert score(confidence=0.1, contradictions=1, contradicted_at=NOW) == pytest.approx(0.1)


def test_what_is_superseded_is_not_trusted_at_all() -> None:
    assert score(confidence=1.0, superseded_by="n") == 0.0


@pytest.mark.parametrize("kind", ["preference", "observation"])
def test_what_goes_stale_loses_with_age_until_it_is_validated_again(kind: str) -> None:
    later = NOW + timedelta(days=100)
    assert score(NOW + timedelta(days=30), kind=kind) == pytest.approx(0.8)
    assert score(NOW + timedelta(days=31), kind=kind) == pytest.approx(0.7)
    assert score(later, kind=kind) == pytest.approx(0.6)
    assert score(later, kind="fact") == pytest.approx(0.8)
    assert score(later, kind=kind, validations=1, validated_at=later) == pytest.approx(0.83)


def test_levels_begin_at_their_documented_scores() -> None:
    levels = {confidence: trust(memory(confidence=confidence), NOW).level for confidence in (0.8, 0.79, 0.5, 0.49)}
    assert levels == {
        0.8: TrustLevel.HIGH,
        0.79: TrustLevel.MEDIUM,
        0.5: TrustLevel.MEDIUM,
        0.49: TrustLevel.LOW,
    }


@given(
    confidence=st.none() | st.floats(0, 1),
    provenance=st.none() | st.text() | st.sampled_from(sorted(PROVENANCE_WEIGHTS)),
    validations=st.integers(0, 10_000),
    contradictions=st.integers(0, 10_000),
    contradicted_at=st.none() | st.just(NOW),
    superseded_by=st.none() | st.just("n"),
    kind=st.sampled_from(["preference", "fact"]),
    days=st.integers(-1000, 1000),
)
def test_trust_lies_between_nothing_and_one(days: int, **fields: Any) -> None:
    assert 0.0 <= score(NOW + timedelta(days=days), **fields) <= 1.0
