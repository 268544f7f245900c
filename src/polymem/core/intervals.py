"""What "yesterday" and "last_week" mean. Pure: the present is given. Days, weeks (from Monday) and years are UTC's."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from polymem.core.errors import InvalidInput

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
_MICROSECOND = timedelta(microseconds=1)
_BACK = re.compile(r"(?:last|past)_([0-9]{1,4})_(minute|hour|day|week)s?")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": _DAY, "week": _WEEK}

Interval = tuple[datetime, datetime]
"""The first instant of it, and the last."""


def _month(day: datetime, later: int = 0) -> datetime:
    # The first day of the month that lies so many months after that of `day`.
    months = day.year * 12 + day.month - 1 + later
    return day.replace(year=months // 12, month=months % 12 + 1, day=1)


def _year(day: datetime, later: int = 0) -> datetime:
    return day.replace(year=day.year + later, month=1, day=1)


def _monday(day: datetime) -> datetime:
    return day - timedelta(days=day.weekday())


_STARTS: Mapping[str, Callable[[datetime], Interval]] = {
    "today": lambda day: (day, day + _DAY),
    "yesterday": lambda day: (day - _DAY, day),
    "this_week": lambda day: (_monday(day), _monday(day) + _WEEK),
    "last_week": lambda day: (_monday(day) - _WEEK, _monday(day)),
    "this_month": lambda day: (_month(day), _month(day, 1)),
    "last_month": lambda day: (_month(day, -1), _month(day)),
    "this_year": lambda day: (_year(day), _year(day, 1)),
    "last_year": lambda day: (_year(day, -1), _year(day)),
}
"""From a day's first instant to the first instants of the interval and of what follows it."""


def to_interval(name: str, now: datetime) -> Interval:
    """The interval a caller means: one of the names, `last_7_days` and the like, or a date.

    Raises InvalidInput for anything else, with the names there are.
    """
    wanted = re.sub(r"[\s-]+", "_", name.strip().lower())
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if (starts := _STARTS.get(wanted)) is not None:
        since, until = starts(today)
        return since, until - _MICROSECOND
    if (back := _BACK.fullmatch(wanted)) is not None:
        return now - int(back[1]) * _UNITS[back[2]], now
    try:
        day = datetime.strptime(name.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        names = ", ".join(_STARTS)
        raise InvalidInput(
            f"{name!r} is no time that is known; there are {names}, last_7_days and the like, and dates like "
            "2026-02-22",
            field="temporal_filter",
        ) from None
    # The last day there is has no next one.
    return day, day + (_DAY - _MICROSECOND)
