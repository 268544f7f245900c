"""Commands about keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command
from polymem.cli.options import ProjectOption
from polymem.cli.places import as_owner
from polymem.core import Core
from polymem.core.errors import InvalidInput
from polymem.core.exchange.transfer import to_rfc3339
from polymem.core.people import ApiKey, Permission, Scope

app = commands()
key = commands()
app.add_typer(key, name="key", help="Make, list and revoke API keys.")


@core_command(key)
async def create(
    core: Core,
    scope: Scope,
    name: Annotated[str, typer.Argument(help="What it is for.")] = "key",
    project: ProjectOption = None,
    permissions: Annotated[str, typer.Option(help="What it allows.")] = "read,write",
    expires_in_days: Annotated[
        int | None, typer.Option(help="After how many days it ends; never, if not given.", show_default=False)
    ] = None,
) -> None:
    """Make a key and print its secret, alone, to stdout.

    KEY=$(polymem key create laptop) catches it; it is shown this once. With --project the key reaches that project
    only.
    """
    made, secret = await core.access.create_key(
        scope,
        name,
        project_id=None if project is None else (await core.projects.ensure(await as_owner(core, scope), project)).id,
        permissions=_to_permissions(permissions),
        expires_in=to_lifetime(expires_in_days),
    )
    typer.echo(secret)
    until = "" if made.expires_at is None else f", valid for {expires_in_days} days"
    output.remark(f"Key {made.id} ({made.name}){until}. Its secret is not kept and cannot be shown again.")


@core_command(key, "list")
async def list_keys(core: Core, scope: Scope, as_json: AsJson = False) -> None:
    """List the keys, revoked ones included; never their secrets."""
    projects = {project.id: project.key for project in await core.projects.all(scope)}
    found = await core.access.keys(scope)
    if as_json:
        items = [
            {
                "id": made.id,
                "name": made.name,
                "prefix": made.prefix,
                "project": projects.get(made.project_id or ""),
                "permissions": sorted(made.permissions),
                "created_at": to_rfc3339(made.created_at),
                "expires_at": made.expires_at and to_rfc3339(made.expires_at),
                "revoked_at": made.revoked_at and to_rfc3339(made.revoked_at),
                "last_used_at": made.last_used_at and to_rfc3339(made.last_used_at),
            }
            for made in found
        ]
        output.print_json({"items": items, "total": len(items)})
        return
    if not found:
        output.remark("There are no keys yet. polymem key create NAME makes one.")
        return
    rows = [
        (
            made.id,
            made.name,
            f"{made.prefix}…",
            projects.get(made.project_id or "", "all"),
            ",".join(sorted(made.permissions)),
            _state(made),
        )
        for made in found
    ]
    output.show(output.table("Id", "Name", "Secret", "Project", "Allows", "State", rows=rows))


@core_command(key)
async def revoke(
    core: Core,
    scope: Scope,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id.", show_default=False)],
) -> None:
    """End a key: it is refused from the next request on."""
    await core.access.revoke_key(scope, key_id)
    typer.echo(f"Revoked {key_id}")


def _to_permissions(names: str) -> frozenset[Permission]:
    try:
        return frozenset(Permission(name.strip()) for name in names.split(",") if name.strip())
    except ValueError:
        raise InvalidInput("--permissions takes read, write or both, separated by a comma") from None


def to_lifetime(days: int | None) -> timedelta | None:
    """How long something lasts. Raises InvalidInput."""
    if days is None:
        return None
    if not 1 <= days <= 36500:
        raise InvalidInput("--expires-in-days must be from 1 to 36500")
    return timedelta(days=days)


def _state(made: ApiKey) -> str:
    if made.revoked_at is not None:
        return f"revoked {output.ago(made.revoked_at)}"
    if made.expires_at is not None:
        return f"{'expired' if made.expires_at <= datetime.now(UTC) else 'expires'} {output.ago(made.expires_at)}"
    return f"used {output.ago(made.last_used_at)}" if made.last_used_at else "not used yet"
