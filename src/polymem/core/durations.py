"""Lengths of time as people and programs write them: Go's durations, and days and weeks beside them. Pure."""

import re
from datetime import timedelta
from decimal import Decimal

from polymem.core.errors import InvalidInput

_MICROSECONDS = {
    "ns": Decimal("0.001"),
    "us": Decimal(1),
    "µs": Decimal(1),  # micro sign
    "μs": Decimal(1),  # Greek mu: Go reads both
    "ms": Decimal(1_000),
    "s": Decimal(1_000_000),
    "m": Decimal(60_000_000),
    "h": Decimal(3_600_000_000),
    "d": Decimal(86_400_000_000),
    "w": Decimal(604_800_000_000),
}
_NUMBER = r"(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})"
_UNIT = "|".join(sorted(_MICROSECONDS, key=len, reverse=True))
_PART = re.compile(rf"({_NUMBER})({_UNIT})", re.ASCII)
_WHOLE = re.compile(rf"([+-]?)(0|(?:{_NUMBER}(?:{_UNIT}))+)", re.ASCII)


def to_duration(text: str, field: str = "ttl") -> timedelta:
    """What `1h30m`, `7d`, `1.5h`, `-10s` or `0` means: a sum of numbers with units ns us ms s m h d w, and a sign.

    Parts of a microsecond are cut off. Raises InvalidInput, naming `field`.
    """
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise InvalidInput(
            f'invalid {field} "{text[:100]}": must be a duration like "24h", "1h30m" or "7d"', field=field
        )
    sign = -1 if match[1] == "-" else 1
    amount = sum((Decimal(number) * _MICROSECONDS[unit] for number, unit in _PART.findall(match[2])), Decimal(0))
    try:
        return sign * timedelta(microseconds=int(amount))
    except OverflowError:
        raise InvalidInput(f'invalid {field} "{text[:100]}": too long', field=field) from None
