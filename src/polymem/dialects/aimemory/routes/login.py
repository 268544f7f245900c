"""Tokens for user names and passwords."""

from starlette.requests import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.core.errors import NotAuthenticated
from polymem.core.people import Principal, PrincipalKind
from polymem.dialects import kit
from polymem.dialects.aimemory import mapping, wire
from polymem.dialects.aimemory.body import read_body
from polymem.dialects.aimemory.credentials import DOOR, Caller
from polymem.dialects.aimemory.errors import Invalid
from polymem.dialects.aimemory.routes.shared import documented

router = kit.router(prefix="/api/auth", tags=["authentication"])


@router.post("/login/", response_model=wire.LoggedIn, summary="Get a token", openapi_extra=documented(wire.Login))
async def login(request: Request) -> Response:
    """A token for a user name (or e-mail address) and a password. Tokens of earlier logins go on working.

    Whoever tries too many wrong passwords has to wait (429).
    """
    core: Core = request.app.state.core
    body = wire.Login.read(await read_body(request))
    place = "nowhere" if request.client is None else request.client.host
    caller = f"{place} {body['username'].strip().casefold()}"
    # Clients of this API log in as often as they like; only guesses are counted.
    await kit.count_call(request, "login", caller, only_look=True)
    try:
        user = await core.accounts.authenticate(body["username"], body["password"])
    except NotAuthenticated:
        await kit.count_call(request, "login", caller)
        raise Invalid({"non_field_errors": ["Unable to log in with provided credentials."]}) from None
    _, token = await core.accounts.create_token(user, "AI Memory login")
    seats = await core.organizations.all(Principal(kind=PrincipalKind.USER, user=user, door=DOOR))
    answer = mapping.from_login(token, user, seats[0].organization if seats else None)
    # Nothing on the way may keep what opens the account.
    return kit.JsonResponse(answer, headers={"Cache-Control": "no-store"})


@router.post("/logout/", status_code=204, summary="End a token")
async def logout(call: Caller) -> Response:
    """Addition: the token of this very call ends. An API key is ended where it was made."""
    await call.core.accounts.close_session(call.principal)
    return Response(status_code=204)
