"""Coming in and going out: registration, login, logout, passwords."""

from starlette.requests import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.core.people import User
from polymem.dialects import kit
from polymem.dialects.native import people
from polymem.dialects.native.credentials import DOOR, Visitor, forget_session, set_session
from polymem.dialects.native.errors import responses
from polymem.dialects.native.wire import people as wire

router = kit.router(prefix="/v1/auth", tags=["auth"])


@router.post(
    "/register",
    status_code=201,
    response_model=wire.Session,
    summary="Make an account",
    responses=responses(409, 413, 429),
)
async def register(request: Request, body: wire.Registration) -> Response:
    """Make an account with an organization of its own, and log in. Only where the server allows it to everybody."""
    kit.refuse_foreign_pages(request)
    core: Core = request.app.state.core
    await kit.count_call(request, "login", _place(request))
    user, _ = await core.accounts.register(body.email, body.name, body.password, door=DOOR)
    return await logged_in(request, user, 201)


@router.post("/login", response_model=wire.Session, summary="Log in", responses=responses(413, 429))
async def login(request: Request, body: wire.Login) -> Response:
    """Open a session for a browser: its secret is in the cookie `polymem_session`, and nowhere else."""
    kit.refuse_foreign_pages(request)
    core: Core = request.app.state.core
    await kit.count_call(request, "login", f"{_place(request)} {body.login.strip().casefold()}")
    return await logged_in(request, await core.accounts.authenticate(body.login, body.password), 200)


@router.post("/logout", status_code=204, summary="Log out", responses=responses())
async def logout(visit: Visitor) -> Response:
    """End the session, or the account token, that this very request came with."""
    await visit.core.accounts.close_session(visit.principal)
    response = Response(status_code=204)
    forget_session(response)
    return response


@router.post("/password", status_code=204, summary="Change the password", responses=responses(413, 429))
async def change_password(request: Request, visit: Visitor, body: wire.PasswordChange) -> Response:
    """Set another password. All other sessions end; account tokens go on."""
    await kit.count_call(request, "login", f"{_place(request)} {visit.principal.actor}")
    await visit.core.accounts.change_password(visit.principal, body.old_password, body.new_password)
    return Response(status_code=204)


@router.post("/reset", status_code=204, summary="Set a new password by a link", responses=responses(413, 429))
async def reset_password(request: Request, body: wire.PasswordReset) -> Response:
    """Set a new password by the secret of a link that the operator made, once. All sessions end."""
    kit.refuse_foreign_pages(request)
    core: Core = request.app.state.core
    await kit.count_call(request, "login", _place(request))
    await core.accounts.reset_password(body.token, body.password)
    return Response(status_code=204)


async def logged_in(request: Request, user: User, status: int) -> Response:
    """The answer that gives a browser its session."""
    core: Core = request.app.state.core
    token, secret = await core.accounts.open_session(user)
    assert token.expires_at is not None
    answer = {"user": people.from_account(user), "expires_at": token.expires_at}
    response = kit.JsonResponse(answer, status, {"cache-control": "no-store"})
    set_session(request, response, secret, int(core.accounts.rules.session_lifetime.total_seconds()))
    return response


def _place(request: Request) -> str:
    return request.client.host if request.client is not None else "nowhere"
