"""Commands about where memories are kept: project, organization."""

from dataclasses import replace
from typing import Annotated

import typer

from polymem.cli import commands, output
from polymem.cli.command import AsJson, core_command, operator_command
from polymem.cli.exits import fail
from polymem.cli.overview import projects as list_projects
from polymem.core import Core
from polymem.core.errors import Conflict, NotFound
from polymem.core.exchange.transfer import to_rfc3339
from polymem.core.people import LOCAL_ORGANIZATION, Principal, PrincipalKind, Scope

app = commands()
project = commands()
organization = commands()
app.add_typer(project, name="project", help="Make, list and delete projects.")
app.add_typer(organization, name="organization", help="Make, list and delete organizations.")

DOOR = "cli"
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def operator(scope: Scope | None = None) -> Principal:
    """The principal of the command line: whoever can run it may do everything in one organization at a time."""
    organization_id = None if scope is None else scope.organization_id
    return Principal(kind=PrincipalKind.OPERATOR, organization_id=organization_id, door=DOOR)


async def as_owner(core: Core, scope: Scope) -> Scope:
    """The scope, on behalf of the organization's owner: what it makes belongs to them."""
    owner = await core.store.people.owner(scope)
    return scope if owner is None else replace(scope, user_id=owner.id)


project.command("list", help="List the projects, oldest first, with how much each holds.")(list_projects)


@core_command(project, "create")
async def create_project(
    core: Core,
    scope: Scope,
    key: Annotated[str, typer.Argument(help="What memories name it by.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="What it is called; the key, if not given.")] = None,
    description: Annotated[str, typer.Option(help="What it is about.")] = "",
) -> None:
    """Make a project and print its id."""
    made = await core.projects.create(await as_owner(core, scope), key, name=name, description=description)
    typer.echo(made.id)
    output.remark(f"Made the project {made.key}.")


@core_command(project, "delete")
async def delete_project(
    core: Core,
    scope: Scope,
    key: Annotated[str, typer.Argument(metavar="PROJECT", help="Key or id of the project.", show_default=False)],
    yes: Yes = False,
) -> None:
    """Remove a project with all its memories, keys, members and invitations, for good."""
    found = await core.projects.get(scope, key)
    if not yes and not typer.confirm(f"Remove {found.name} with all its memories, for good?", err=True):
        raise fail("Nothing was removed")
    gone = await core.teams.delete(operator(scope), found.id)
    typer.echo(f"Removed {found.key} with {gone.memories} memories and {gone.keys} keys")


@operator_command(organization, "create")
async def create_organization(
    core: Core,
    name: Annotated[str, typer.Argument(help="What it is called.", show_default=False)],
    owner: Annotated[str, typer.Option(help="Whose it is: a user's e-mail address, name or id.", show_default=False)],
) -> None:
    """Make an organization and print its slug, which --organization takes."""
    user = await core.accounts.find(owner)
    made = (await core.organizations.found(operator(), user, name)).organization
    typer.echo(made.slug)
    output.remark(f"Made the organization {made.name}, owned by {user.email}.")


@operator_command(organization, "list")
async def list_organizations(core: Core, as_json: AsJson = False) -> None:
    """List the organizations, oldest first."""
    found = await core.store.organizations()
    if as_json:
        items = [
            {"id": one.id, "slug": one.slug, "name": one.name, "created_at": to_rfc3339(one.created_at)}
            for one in found
        ]
        output.print_json({"items": items, "total": len(items)})
        return
    rows = [(one.slug, one.name, output.ago(one.created_at), one.id) for one in found]
    output.show(output.table("Slug", "Name", "Made", "Id", rows=rows))


@operator_command(organization, "delete")
async def delete_organization(
    core: Core,
    slug: Annotated[str, typer.Argument(help="Its slug.", show_default=False)],
    yes: Yes = False,
) -> None:
    """Remove an organization with all its projects, memories, keys and members, for good."""
    found = await core.store.organization(slug=slug)
    if found is None:
        raise NotFound("Organization", slug)
    if slug == LOCAL_ORGANIZATION:
        raise Conflict("The local organization cannot be deleted")
    if not yes and not typer.confirm(f"Remove {found.name} with all that is in it, for good?", err=True):
        raise fail("Nothing was removed")
    gone = await core.organizations.remove_all(operator(Scope(organization_id=found.id)), found)
    typer.echo(f"Removed {slug} with {gone.projects} projects and {gone.memories} memories")
