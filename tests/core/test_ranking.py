from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polymem.core.ports import Candidate
from polymem.core.ranking import DEFAULT_PROFILE, Mode, NamedDates, date_match, named_dates, rank

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def candidate(memory_id: str = "m", **signals: Any) -> Candidate:
    return Candidate(
        memory_id=memory_id,
        project_id=None,
        kind="note",
        importance=5,
        weight=1.0,
        created_at=NOW,
        updated_at=NOW,
        occurred_at=signals.pop("occurred_at", None),
        **signals,
    )


@pytest.mark.parametrize(
    ("query", "months", "years", "days"),
    [
        ("What happened in May 2023?", {5}, {2023}, set()),
        ("What may happen?", set(), set(), set()),
        ("the meeting on 7 May", {5}, set(), {7}),
        ("since 2023-09-14", {9}, {2023}, {14}),
        ("error 12 in Sept", {9}, set(), {12}),
        ("port 8080 or 12 workers", set(), set(), set()),
        ("the plan for 2024", set(), {2024}, set()),
    ],
)
def test_a_query_names_months_years_and_days(query: str, months: set[int], years: set[int], days: set[int]) -> None:
    dates = named_dates(query)

    assert dates == NamedDates(frozenset(months), frozenset(years), frozenset(days))


@pytest.mark.parametrize(
    ("query", "fit"),
    [
        ("on 9 May 2023", 2.0),
        ("on 20 May 2023", 1.0),
        ("in April 2023", 0.5),
        ("in 2023", 0.3),
        ("in May 2022", 0.0),
        ("in July", 0.0),
        ("at all", 0.0),
    ],
)
def test_a_date_fits_the_better_the_nearer_it_is_to_the_one_named(query: str, fit: float) -> None:
    assert date_match(datetime(2023, 5, 8, tzinfo=UTC), named_dates(query)) == fit


def test_december_is_told_in_january() -> None:
    assert date_match(datetime(2024, 1, 3, tzinfo=UTC), named_dates("in December")) == 0.5


def test_a_hit_by_words_only_and_one_by_meaning_only_both_stay_in_a_hybrid_ranking() -> None:
    ranked = rank("q", [candidate("words", context_keyword=0.4), candidate("meaning", context_cosine=0.4)], Mode.HYBRID)

    assert {r.candidate.memory_id for r in ranked} == {"words", "meaning"}
    assert all(r.score > 0 for r in ranked)


def test_conversation_signals_do_not_touch_a_note() -> None:
    signals: dict[str, Any] = {"context_cosine": 0.5, "speaker_named": True, "is_question": True, "words": 400}
    (note,) = rank("q", [candidate(**signals)], Mode.HYBRID)
    (turn,) = rank("q", [candidate(**signals, in_conversation=True)], Mode.HYBRID)

    assert set(note.factors) == {"base", "meaning"}
    assert {"speaker", "question", "length"} <= set(turn.factors)


def test_a_memory_without_token_vectors_is_ranked_by_the_rest() -> None:
    signals: dict[str, Any] = {"context_cosine": 0.6, "context_keyword": 0.5}
    bare, whole = candidate("bare", **signals), candidate("whole", **signals, tokens=0.8, context_tokens=0.8)
    ranked = {r.candidate.memory_id: r for r in rank("q", [bare, whole], Mode.HYBRID)}

    assert "tokens" in ranked["whole"].factors
    assert "tokens" not in ranked["bare"].factors
    assert ranked["bare"].total == pytest.approx(ranked["whole"].total, abs=2.5)


def test_the_better_each_token_is_matched_the_higher_is_the_score() -> None:
    ranked = rank("q", [candidate(str(n), tokens=n / 10, context_tokens=n / 10) for n in range(10)], Mode.HYBRID)

    assert [r.candidate.memory_id for r in ranked] == [str(n) for n in reversed(range(10))]


def test_keyword_mode_leaves_out_what_has_none_of_the_words() -> None:
    assert rank("q", [candidate(keyword=0.0), candidate(cosine=0.9)], Mode.KEYWORD) == []


def test_vector_mode_scores_are_the_cosines() -> None:
    ranked = rank("q", [candidate("a", cosine=0.25), candidate("b", cosine=-0.5), candidate("c")], Mode.VECTOR)

    assert [(r.candidate.memory_id, r.score) for r in ranked] == [("a", 0.25), ("b", 0.0)]


unit = st.floats(0, 1)


@given(
    st.lists(
        st.builds(
            candidate,
            st.uuids().map(str),
            cosine=st.none() | st.floats(-1, 1),
            tokens=st.none() | st.floats(-1, 1),
            context_tokens=st.none() | st.floats(-1, 1),
            context_cosine=st.none() | st.floats(-1.5, 1.5),
            keyword=unit,
            context_keyword=unit,
            coverage=unit,
            words=st.integers(0, 200_000),
            is_question=st.booleans(),
            in_conversation=st.booleans(),
            speaker_named=st.booleans(),
            occurred_at=st.none() | st.datetimes(timezones=st.just(UTC)),
        )
    ),
    st.sampled_from(Mode),
)
def test_scores_lie_between_0_and_1_descend_and_are_the_sum_of_their_factors(
    candidates: list[Candidate], mode: Mode
) -> None:
    ranked = rank("What did Ann say in May 2023?", candidates, mode, DEFAULT_PROFILE)

    assert all(0.0 <= r.score <= 1.0 for r in ranked)
    assert [r.score for r in ranked] == sorted((r.score for r in ranked), reverse=True)
    assert all(sum(r.factors.values()) == pytest.approx(r.total) for r in ranked)
