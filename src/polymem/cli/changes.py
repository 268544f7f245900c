"""Commands about what changed and what was found out: changes, validate, contradict."""

from typing import Annotated

import typer
from rich.text import Text

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command
from polymem.cli.options import (
    ContainerOption,
    KindFilter,
    LimitOption,
    OffsetOption,
    ProjectOption,
    TagFilter,
    to_filter,
    to_past,
)
from polymem.cli.versions import heading, to_json
from polymem.core import Core
from polymem.core.exchange.transfer import to_record
from polymem.core.history.trust import trust
from polymem.core.model import Change, Memory
from polymem.core.people import Scope

app = commands()

MemoryId = Annotated[str, typer.Argument(metavar="ID", help="The memory's id.", show_default=False)]
NoteOption = Annotated[str | None, typer.Option("--note", help="Why.", metavar="TEXT", show_default=False)]


@core_command(app)
async def changes(
    core: Core,
    scope: Scope,
    since: Annotated[
        str,
        typer.Option(help="From then on: 2026-01-31 (its first instant), 2026-01-31T12:00Z.", metavar="WHEN"),
    ],
    until: Annotated[
        str | None,
        typer.Option(help="Up to then: 2026-01-31 (its last instant); now.", metavar="WHEN", show_default=False),
    ] = None,
    change: Annotated[
        list[Change] | None, typer.Option("--change", help="Of this kind; may be repeated.", show_default=False)
    ] = None,
    project: ProjectOption = None,
    kind: KindFilter = None,
    tag: TagFilter = None,
    container: ContainerOption = None,
    ascending: Annotated[bool, typer.Option("--ascending", help="Oldest first.")] = False,
    limit: LimitOption = 50,
    offset: OffsetOption = 0,
    as_json: AsJson = False,
) -> None:
    """Tell what changed, newest first: which memory, how, when, by whom and why."""
    page = await core.timeline.changed_since(
        scope,
        to_past(since, "--since", end_of_day=False),
        None if until is None else to_past(until, "--until", end_of_day=True),
        await to_filter(core, scope, project=project, kinds=kind, tags=tag, container=container),
        kinds=change or None,
        limit=limit,
        offset=offset,
        descending=not ascending,
    )
    if as_json:
        items = [to_json(version) for version in page.items]
        output.print_json({"items": items, "total": page.total, "limit": page.limit, "offset": page.offset})
        return
    for version in page.items:
        output.show(Text.assemble(version.memory.id, "  ", heading(version)), output.preview(version.memory))
    output.remark(f"{offset + 1}–{offset + len(page.items)} of {page.total}" if page.items else f"None of {page.total}")


@core_command(app)
async def validate(
    core: Core, scope: Scope, memory_id: MemoryId, note: NoteOption = None, as_json: AsJson = False
) -> None:
    """Record that a memory was found to hold."""
    _tell(core, "Validated", await core.judgements.validate(scope, memory_id, note=note), as_json)


@core_command(app)
async def contradict(
    core: Core, scope: Scope, memory_id: MemoryId, note: NoteOption = None, as_json: AsJson = False
) -> None:
    """Record that something speaks against a memory."""
    _tell(core, "Contradicted", await core.judgements.contradict(scope, memory_id, note=note), as_json)


def _tell(core: Core, done: str, memory: Memory, as_json: bool) -> None:
    if as_json:
        output.print_json(to_record(memory))
        return
    found = trust(memory, core.clock.now())
    typer.echo(f"{done} {memory.id}: trust {found.score:.2f}, {found.level.value}")
