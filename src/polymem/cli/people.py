"""Commands about people: user, token."""

import sys
from typing import Annotated

import typer

from polymem.cli import commands, output
from polymem.cli.command import AsJson, operator_command
from polymem.cli.keys import to_lifetime
from polymem.cli.places import operator
from polymem.core import Core
from polymem.core.errors import NotFound
from polymem.core.exchange.transfer import to_rfc3339
from polymem.core.people import TokenPurpose, User

app = commands()
user = commands()
token = commands()
app.add_typer(user, name="user", help="Make, list and end accounts.")
app.add_typer(token, name="token", help="Make, list and revoke tokens of accounts.")

UserName = Annotated[
    str, typer.Argument(metavar="USER", help="A user's e-mail address, name or id.", show_default=False)
]


@operator_command(user)
async def create(
    core: Core,
    name: Annotated[str, typer.Argument(help="What the user is called.", show_default=False)],
    email: Annotated[str, typer.Option(help="Their e-mail address.", show_default=False)],
    password: Annotated[
        str | None,
        typer.Option(
            help="Their password; - reads it from stdin, and without one it is asked for.", show_default=False
        ),
    ] = None,
    organization: Annotated[
        str | None, typer.Option(help="Name of their own organization; the user's, if not given.", metavar="NAME")
    ] = None,
) -> None:
    """Make an account with an organization of its own, and print the account's id."""
    secret = _to_password(password)
    made, own = await core.accounts.create(operator(), email, name, secret, organization=organization)
    typer.echo(made.id)
    output.remark(f"Made {made.name} <{made.email}>, owner of the organization {own.name} (--organization {own.slug}).")


@operator_command(user, "list")
async def list_users(core: Core, as_json: AsJson = False) -> None:
    """List the accounts, oldest first."""
    users: list[User] = []
    while True:
        page = await core.accounts.page(1000, len(users))
        users += page.items
        if not page.items or len(users) >= page.total:
            break
    if as_json:
        items = [
            {
                "id": one.id,
                "name": one.name,
                "email": one.email,
                "active": one.active,
                "created_at": to_rfc3339(one.created_at),
                "last_login_at": one.last_login_at and to_rfc3339(one.last_login_at),
            }
            for one in users
        ]
        output.print_json({"items": items, "total": len(items)})
        return
    if not users:
        output.remark("There are no accounts yet. polymem user create NAME makes one.")
        return
    rows = [
        (
            one.id,
            one.name,
            one.email,
            "active" if one.active else "ended",
            output.ago(one.last_login_at) or "never",
        )
        for one in users
    ]
    output.show(output.table("Id", "Name", "E-mail", "State", "Last login", rows=rows))


@operator_command(user)
async def reset_link(core: Core, who: UserName) -> None:
    """Print a link that sets a new password, once, within the hour."""
    typer.echo(await core.accounts.reset_link(await core.accounts.find(who)))


@operator_command(user)
async def deactivate(core: Core, who: UserName) -> None:
    """End an account with its tokens, keys and memberships; memories stay where they are."""
    found = await core.accounts.find(who)
    gone = await core.accounts.deactivate(found)
    typer.echo(f"Ended {found.email}: {gone.keys} keys, {gone.members} memberships, {gone.invitations} invitations")


@operator_command(token, "create")
async def create_token(
    core: Core,
    who: UserName,
    name: Annotated[str, typer.Option(help="What it is for.")] = "token",
    expires_in_days: Annotated[
        int | None, typer.Option(help="After how many days it ends; never, if not given.", show_default=False)
    ] = None,
) -> None:
    """Make a token for a whole account and print it, alone, to stdout: TOKEN=$(polymem token create ana).

    It is shown this once.
    """
    found = await core.accounts.find(who)
    made, secret = await core.accounts.create_token(found, name, expires_in=to_lifetime(expires_in_days))
    typer.echo(secret)
    output.remark(f"Token {made.id} ({made.name}) of {found.email}. It is not kept and cannot be shown again.")


@operator_command(token, "list")
async def list_tokens(core: Core, who: UserName, as_json: AsJson = False) -> None:
    """List a user's tokens; never the tokens themselves."""
    found = await core.accounts.find(who)
    tokens = await core.store.people.tokens(found.id, TokenPurpose.BEARER)
    if as_json:
        items = [
            {
                "id": one.id,
                "name": one.name,
                "prefix": one.prefix,
                "created_at": to_rfc3339(one.created_at),
                "expires_at": one.expires_at and to_rfc3339(one.expires_at),
                "last_used_at": one.last_used_at and to_rfc3339(one.last_used_at),
            }
            for one in tokens
        ]
        output.print_json({"items": items, "total": len(items)})
        return
    rows = [(one.id, one.name, f"{one.prefix}…", output.ago(one.last_used_at) or "not used yet") for one in tokens]
    output.show(output.table("Id", "Name", "Token", "Used", rows=rows))


@operator_command(token)
async def revoke(
    core: Core,
    who: UserName,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id.", show_default=False)],
) -> None:
    """End a token: it is refused from the next request on."""
    found = await core.accounts.find(who)
    if not await core.store.people.revoke_token(found.id, token_id, core.clock.now()):
        raise NotFound("Token", token_id)
    typer.echo(f"Revoked {token_id}")


def _to_password(given: str | None) -> str:
    if given == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if given is not None:
        return given
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked
