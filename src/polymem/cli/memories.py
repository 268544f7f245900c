"""Commands about single memories: remember, show, edit, forget, restore, purge, history."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command
from polymem.cli.editor import edit_text
from polymem.cli.exits import ExitCode, fail
from polymem.cli.options import (
    AsOfOption,
    ContainerOption,
    DeliveryOption,
    ExpiresOption,
    KindOption,
    MetadataOption,
    OccurredOption,
    ProjectOption,
    TtlOption,
    to_expiry,
    to_instant,
    to_metadata,
    to_past,
    to_text,
)
from polymem.cli.versions import timeline, to_json
from polymem.core import Core
from polymem.core.errors import Conflict, NotFound
from polymem.core.exchange.transfer import to_record
from polymem.core.model import DEFAULT_IMPORTANCE, DEFAULT_KIND, Delivery, Draft, Duplicates
from polymem.core.people import Scope

app = commands()

MemoryId = Annotated[str, typer.Argument(metavar="ID", help="The memory's id.", show_default=False)]
MemoryIds = Annotated[list[str], typer.Argument(metavar="ID...", help="The memories' ids.", show_default=False)]


@core_command(app)
async def remember(
    core: Core,
    scope: Scope,
    text: Annotated[str, typer.Argument(help="What to keep; - reads it from stdin.", show_default=False)],
    project: ProjectOption = None,
    kind: KindOption = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", "-t", help="A label; may be repeated.", metavar="TAG", show_default=False),
    ] = None,
    importance: Annotated[int, typer.Option(help="From 1 to 10.")] = DEFAULT_IMPORTANCE,
    delivery: DeliveryOption = None,
    container: ContainerOption = None,
    title: Annotated[str | None, typer.Option(help="A headline.", show_default=False)] = None,
    metadata: MetadataOption = None,
    occurred_at: OccurredOption = None,
    expires_at: ExpiresOption = None,
    ttl: TtlOption = None,
    supersedes: Annotated[
        str | None, typer.Option(help="The memory it replaces.", metavar="ID", show_default=False)
    ] = None,
    unique: Annotated[
        bool, typer.Option("--unique", help="Keep nothing if the project holds this text already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Keep a memory."""
    draft = Draft(
        content=to_text(text),
        project=project,
        kind=kind or DEFAULT_KIND,
        delivery=delivery or Delivery.ON_DEMAND,
        tags=tuple(tag or ()),
        importance=importance,
        container=container,
        title=title,
        metadata=to_metadata(metadata) if metadata else {},
        occurred_at=to_instant(occurred_at, "--occurred-at") if occurred_at else None,
        expires_at=to_expiry(expires_at, ttl),
        supersedes=supersedes,
    )
    duplicates = Duplicates.RETURN_EXISTING if unique else Duplicates.KEEP
    added = await core.memories.add(scope, draft, duplicates=duplicates)
    if as_json:
        output.print_json(to_record(added.memory))
        return
    verb = "Remembered as" if added.created else "Known already as"
    typer.echo(f"{verb} {added.memory.id}")


@core_command(app)
async def show(
    core: Core, scope: Scope, memory_id: MemoryId, as_of: AsOfOption = None, as_json: AsJson = False
) -> None:
    """Show a memory with all its fields, also one in the trash."""
    if as_of is None:
        memory = await core.memories.get(scope, memory_id, hidden=True)
    else:
        at = to_past(as_of, "--as-of", end_of_day=True)
        memory = await core.timeline.as_of(scope, memory_id, at, hidden=True)
    if as_json:
        output.print_json(to_record(memory))
        return
    output.show(output.whole(memory))


@core_command(app)
async def edit(
    core: Core,
    scope: Scope,
    memory_id: MemoryId,
    content: Annotated[
        str | None, typer.Option(help="The new text; - reads it from stdin.", metavar="TEXT", show_default=False)
    ] = None,
    project: ProjectOption = None,
    kind: KindOption = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", "-t", help="The labels it is to have instead.", metavar="TAG", show_default=False),
    ] = None,
    importance: Annotated[int | None, typer.Option(help="From 1 to 10.", show_default=False)] = None,
    delivery: DeliveryOption = None,
    container: ContainerOption = None,
    title: Annotated[str | None, typer.Option(help="A headline.", show_default=False)] = None,
    metadata: MetadataOption = None,
    occurred_at: OccurredOption = None,
    expires_at: ExpiresOption = None,
    ttl: TtlOption = None,
    as_json: AsJson = False,
) -> None:
    """Change a memory; with no option, in $EDITOR.

    An empty value clears a field: --title "" takes the title away, --tag "" all tags, --project "" the project.
    """
    changes: dict[str, Any] = {
        "content": None if content is None else to_text(content),
        "project": project,
        "kind": kind,
        "importance": importance,
        "delivery": delivery,
        "container": container,
        "title": title,
        "metadata": None if metadata is None else to_metadata(metadata or "{}"),
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    if tag:
        changes["tags"] = tuple(label for label in tag if label)
    if occurred_at is not None:
        changes["occurred_at"] = to_instant(occurred_at, "--occurred-at")
    if expires_at is not None or ttl is not None:
        changes["expires_at"] = to_expiry(expires_at, ttl)
    before = await core.memories.get(scope, memory_id)
    if not changes:
        if not sys.stdin.isatty():
            raise fail("Nothing to change: give an option, or use a terminal to edit the text", ExitCode.INVALID_INPUT)
        with edit_text(before.content) as edited:
            after = await core.memories.revise(scope, memory_id, {"content": edited}, expected_version=before.version)
    else:
        after = await core.memories.revise(scope, memory_id, changes)
    if as_json:
        output.print_json(to_record(after))
        return
    typer.echo(f"Nothing changed in {after.id}" if after == before else f"Changed {after.id}, version {after.version}")


@core_command(app)
async def forget(core: Core, scope: Scope, memory_ids: MemoryIds) -> None:
    """Put memories into the trash, from where restore takes them back."""
    await _each(memory_ids, lambda memory_id: core.memories.forget(scope, memory_id), "Forgot")


@core_command(app)
async def restore(core: Core, scope: Scope, memory_ids: MemoryIds) -> None:
    """Take memories out of the trash."""
    await _each(memory_ids, lambda memory_id: core.memories.restore(scope, memory_id), "Restored")


@core_command(app)
async def purge(
    core: Core,
    scope: Scope,
    memory_ids: MemoryIds,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove memories with their history for good. Nothing brings them back."""
    if not yes:
        if not sys.stdin.isatty():
            raise fail("This cannot be undone: say --yes", ExitCode.INVALID_INPUT)
        question = "1 memory" if len(memory_ids) == 1 else f"{len(memory_ids)} memories"
        typer.confirm(f"Remove {question} for good?", abort=True, err=True)
    await _each(memory_ids, lambda memory_id: core.memories.purge(scope, memory_id), "Purged")


async def _each(memory_ids: list[str], act: Callable[[str], Awaitable[object]], done: str) -> None:
    # One id that is wrong does not keep the others from what was asked for them.
    failed: NotFound | Conflict | None = None
    for memory_id in memory_ids:
        try:
            await act(memory_id)
        except (NotFound, Conflict) as error:
            if failed is not None:
                typer.echo(f"Error: {failed}", err=True)
            failed = error
        else:
            typer.echo(f"{done} {memory_id}")
    if failed is not None:
        raise failed


@core_command(app)
async def history(core: Core, scope: Scope, memory_id: MemoryId, as_json: AsJson = False) -> None:
    """Show what changed in a memory, when, and by whom; also of one in the trash."""
    versions = await core.memories.history(scope, memory_id)
    if as_json:
        output.print_json({"items": [to_json(version) for version in versions]})
        return
    output.show(*timeline(versions))
