"""Coming in and going out, without a line of script: a form, and the session's cookie that the API gives, too."""

import html
from datetime import timedelta
from importlib.resources import files
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from polymem.core import Core
from polymem.core.errors import NotAuthenticated, PolymemError, TooLarge, TooManyRequests
from polymem.core.people import credentials
from polymem.dashboard.options import DashboardOptions
from polymem.dashboard.visit import DOOR, ORGANIZATION_COOKIE, PROJECT_COOKIE, SESSION_COOKIE

_MOST_BYTES = 16 * 1024
_WINDOW = timedelta(minutes=1)


async def sign_in(request: Request, core: Core, options: DashboardOptions) -> Response:
    """The form and, when it is sent, the session: then on to the page that was wanted."""
    if request.method != "POST":
        return _form(request, request.query_params.get("next", "/"))
    form = await _sent(request)
    login, wanted = form.get("login", ""), form.get("next", "/")
    try:
        await _count(request, core, options, login)
        user = await core.accounts.authenticate(login, form.get("password", ""))
    except PolymemError as error:
        status = 429 if isinstance(error, TooManyRequests) else 401 if isinstance(error, NotAuthenticated) else 400
        return _form(request, wanted, login=login, told=str(error), status=status)
    _, secret = await core.accounts.open_session(user)
    response = RedirectResponse(request.scope.get("root_path", "") + _local(wanted), 303)
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(core.accounts.rules.session_lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or core.accounts.rules.public_url.startswith("https://"),
    )
    return response


async def sign_out(request: Request, core: Core, options: DashboardOptions) -> Response:
    """End the session."""
    if request.method == "POST" and (secret := request.cookies.get(SESSION_COOKIE)):
        try:
            principal = await core.access.principal_of(secret, (credentials.SESSION,), door=DOOR)
            await core.accounts.close_session(principal)
        except NotAuthenticated:
            pass
    target = "/" if options.local or request.method != "POST" else "/sign-in"
    response = RedirectResponse(request.scope.get("root_path", "") + target, 303)
    if request.method == "POST":
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
        for name in (ORGANIZATION_COOKIE, PROJECT_COOKIE):
            response.delete_cookie(name)
    return response


async def _count(request: Request, core: Core, options: DashboardOptions, login: str) -> None:
    # Together with the logins of the API: it counts under the same name.
    if not options.logins_a_minute:
        return
    place = request.client.host if request.client is not None else "nowhere"
    allowance = await core.limiter.hit("login", f"{place} {login.strip().casefold()}", options.logins_a_minute, _WINDOW)
    if not allowance.allowed:
        raise TooManyRequests("login", allowance.limit, max(1, allowance.reset_after))


async def _sent(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise TooLarge("That is more than a form has")
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _local(path: str) -> str:
    # Never to another server, whatever the address says. Browsers take a backslash for a slash.
    safe = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if safe else "/"


def _form(request: Request, wanted: str, *, login: str = "", told: str = "", status: int = 200) -> Response:
    page = files("polymem.dashboard").joinpath("static", "sign_in.html").read_text("utf-8")
    values = {
        "action": request.scope.get("root_path", "") + "/sign-in",
        "next": _local(wanted),
        "login": login,
        "told": told,
    }
    # One pass, so that a value that looks like a place is no place.
    parts = page.split("{{")
    filled = parts[0] + "".join(
        html.escape(values[name]) + rest for name, _, rest in (part.partition("}}") for part in parts[1:])
    )
    return HTMLResponse(filled, status, {"cache-control": "no-store"})
