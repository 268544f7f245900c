from datetime import UTC, datetime, timedelta

import pytest

from polymem.core.errors import InvalidInput
from polymem.core.filters import predicate, true_at
from polymem.core.history.timeline import from_date_or_instant, past
from polymem.core.model import Memory

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_date_alone_is_the_end_of_its_day_for_a_past_and_the_start_for_changes() -> None:
    assert from_date_or_instant("2026-01-31", "as_of", end_of_day=True) == datetime(
        2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC
    )
    assert from_date_or_instant(" 2026-01-31 ", "since", end_of_day=False) == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("end_of_day", [True, False])
def test_an_instant_stays_what_it_is(end_of_day: bool) -> None:
    expected = datetime(2026, 1, 31, 11, tzinfo=UTC)
    for text in ("2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00Z", "2026-01-31T11:00:00", "2026-01-31 11:00"):
        assert from_date_or_instant(text, "as_of", end_of_day=end_of_day) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-13-01", "31.01.2026", "2026-01-31T25:00Z"])
def test_what_is_no_date_is_refused_with_the_name_of_the_field(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        from_date_or_instant(text, "as_of", end_of_day=True)
    assert refused.value.field == "as_of"
    assert "as_of" in str(refused.value)


def test_only_what_lies_before_now_is_past() -> None:
    assert past(None, NOW) is None
    assert past(NOW - DAY, NOW) == NOW - DAY
    assert past(NOW, NOW) is None
    assert past(NOW + DAY, NOW) is None
    with pytest.raises(InvalidInput):
        past(NOW.replace(tzinfo=None), NOW)


def test_a_period_holds_from_its_first_instant_to_just_before_its_last() -> None:
    def true(valid_from: datetime | None, valid_to: datetime | None, at: datetime = NOW) -> bool:
        memory = Memory(
            id="m",
            organization_id="o",
            content="A cat",
            created_at=NOW,
            updated_at=NOW,
            valid_from=valid_from,
            valid_to=valid_to,
        )
        return predicate(true_at(at))(memory)

    assert true(None, None)
    assert true(NOW, None)
    assert not true(NOW + DAY, None)
    assert true(None, NOW + DAY)
    assert not true(None, NOW)
    assert true(NOW - DAY, NOW + DAY)
    assert [true(NOW - DAY, NOW), true(NOW, NOW + DAY)] == [False, True], "of two that meet, one"
