"""Options that several commands have, and what their values mean."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from polymem.core import Core
from polymem.core.checks import check_name
from polymem.core.errors import InvalidInput
from polymem.core.exchange.transfer import from_rfc3339
from polymem.core.filters import Clause, ContainerIs, Filter, InProjects, KindIn, TagsAll
from polymem.core.history.timeline import from_date_or_instant
from polymem.core.model import Delivery
from polymem.core.people import Scope

ProjectOption = Annotated[
    str | None, typer.Option("--project", "-p", help="Key or id of a project.", metavar="PROJECT", show_default=False)
]
KindOption = Annotated[
    str | None, typer.Option("--kind", "-k", help="What sort of memory it is.", metavar="KIND", show_default=False)
]
DeliveryOption = Annotated[
    Delivery | None,
    typer.Option("--delivery", help="When an agent gets it unasked.", show_default=False),
]
KindFilter = Annotated[
    list[str] | None,
    typer.Option("--kind", "-k", help="Of this kind; several: any of them.", metavar="KIND", show_default=False),
]
TagFilter = Annotated[
    list[str] | None,
    typer.Option("--tag", "-t", help="With this tag; several: all of them.", metavar="TAG", show_default=False),
]
ContainerOption = Annotated[
    str | None,
    typer.Option("--container", help="The conversation or document it is part of.", metavar="NAME", show_default=False),
]
LimitOption = Annotated[int, typer.Option("--limit", "-n", help="How many to show, 1 to 1000.")]
OffsetOption = Annotated[int, typer.Option("--offset", help="How many to leave out before.")]
MetadataOption = Annotated[
    str | None, typer.Option("--metadata", help="A JSON object of your own.", metavar="JSON", show_default=False)
]
OccurredOption = Annotated[
    str | None,
    typer.Option(
        "--occurred-at", help="When what it tells happened: 2026-01-31, 2026-01-31T12:00Z.", metavar="WHEN",
        show_default=False,
    ),
]  # fmt: skip
ExpiresOption = Annotated[
    str | None,
    typer.Option("--expires-at", help="From when on it is hidden.", metavar="WHEN", show_default=False),
]
TtlOption = Annotated[
    str | None,
    typer.Option("--ttl", help="Hide it after 90m, 12h, 30d, 8w or 1y.", metavar="TIME", show_default=False),
]

AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of", help="As it was known then: 2026-01-31 (its last instant), 2026-01-31T12:00Z.", metavar="WHEN",
        show_default=False,
    ),
]  # fmt: skip
TrueAtOption = Annotated[
    str | None,
    typer.Option("--true-at", help="True then, by valid_from and valid_to.", metavar="WHEN", show_default=False),
]

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}


def to_text(argument: str) -> str:
    """The text of an argument; `-` reads stdin to its end, byte for byte. Raises InvalidInput."""
    if argument != "-":
        return argument
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InvalidInput("What came through stdin is not UTF-8 text", field="content") from None


def to_metadata(text: str) -> dict[str, Any]:
    """A JSON object. Raises InvalidInput."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"--metadata is not valid JSON: {error}", field="metadata") from None
    if not isinstance(value, dict):
        raise InvalidInput('--metadata must be a JSON object, like {"speaker": "Ana"}', field="metadata")
    return value


def to_instant(text: str, option: str) -> datetime | None:
    """An instant; None for an empty text. Raises InvalidInput."""
    return from_rfc3339(text, option) if text else None


def to_past(text: str, option: str, *, end_of_day: bool) -> datetime:
    """An instant; a date alone is the last one of its day, or the first. Raises InvalidInput."""
    return from_date_or_instant(text, option, end_of_day=end_of_day)


def to_expiry(expires_at: str | None, ttl: str | None) -> datetime | None:
    """When a memory expires, from either option. Raises InvalidInput."""
    if ttl is None:
        return None if expires_at is None else to_instant(expires_at, "--expires-at")
    if expires_at is not None:
        raise InvalidInput("--expires-at and --ttl say the same thing; give one of them")
    match = re.fullmatch(r"(\d{1,9})([smhdwy])", ttl.strip())
    if match is None or match[1].strip("0") == "":
        raise InvalidInput("--ttl must be a number and a unit, like 90m, 12h, 30d, 8w or 1y")
    try:
        return datetime.now(UTC) + int(match[1]) * _UNITS[match[2]]
    except OverflowError:
        raise InvalidInput("--ttl lies beyond the year 9999") from None


async def to_filter(
    core: Core,
    scope: Scope,
    *,
    project: str | None = None,
    kinds: list[str] | None = None,
    tags: list[str] | None = None,
    container: str | None = None,
    unassigned: bool = False,
) -> Filter:
    """The conditions the options set. Raises NotFound for a project that does not exist."""
    clauses: list[Clause] = []
    if project is not None or unassigned:
        ids = frozenset() if project is None else frozenset({(await core.projects.get(scope, project)).id})
        clauses.append(InProjects(ids, unassigned=unassigned))
    if kinds:
        clauses.append(KindIn(frozenset(kinds)))
    if tags:
        clauses.append(TagsAll(frozenset(tags)))
    if container is not None:
        clauses.append(ContainerIs(check_name("container", container)))
    return tuple(clauses)
