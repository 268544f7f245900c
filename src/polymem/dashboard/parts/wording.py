"""Values as people read them: numbers, times, sizes, and what a memory is called where it has no title."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from polymem.core.model import Memory

_TITLE_CHARACTERS = 90
_STEPS = ((60, "second"), (60, "minute"), (24, "hour"), (7, "day"), (4.35, "week"), (12, "month"), (10**6, "year"))


def number(value: float) -> str:
    """With commas between thousands."""
    return f"{value:,}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A number and its noun: "1 memory", "1,200 memories"."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def ago(instant: datetime | None, now: datetime) -> str:
    """How long since, in one unit; "in …" for what is to come, "never" for None."""
    if instant is None:
        return "never"
    seconds = (now - instant) / timedelta(seconds=1)
    amount, told = abs(seconds), "just now"
    for size, unit in _STEPS:
        if amount < size:
            whole = int(amount)
            told = "just now" if unit == "second" and whole < 10 else plural(whole, unit)
            break
        amount /= size
    if told == "just now":
        return told
    return f"{told} ago" if seconds >= 0 else f"in {told}"


def when(instant: datetime | None) -> str:
    """Date and time in UTC, to the minute."""
    return "–" if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def size(count: int | None) -> str:
    """Bytes in the unit that fits."""
    if count is None:
        return "unknown"
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def short(text: str, most: int) -> str:
    """The text in one line of at most so many characters."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def title_of(memory: Memory) -> str:
    """What a memory is called: its title or the beginning of its text."""
    return short(memory.title or memory.content, _TITLE_CHARACTERS) or "(blank)"


def address_of(memory_id: str) -> str:
    """The path of a memory's page."""
    return f"/memories/{quote(memory_id, safe='')}"


def words_of(name: str) -> str:
    """A name of the program as words: "changed_value" is "changed value"."""
    return name.replace("_", " ")
