"""The page that asks somebody whether an application may use their memory, and who they are."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from importlib.resources import files
from string import Template

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from polymem.core import Core
from polymem.core.errors import NotAuthenticated, PolymemError, TooManyRequests
from polymem.core.people import Permission, Principal, PrincipalKind
from polymem.core.people.applications import SCOPES, Application, to_permissions
from polymem.core.people.credentials import SESSION, SESSION_COOKIE
from polymem.core.people.origins import own_origin
from polymem.mcp.oauth.door import ENDPOINTS, OAuthOptions
from polymem.mcp.oauth.redirects import place_of, with_query
from polymem.mcp.oauth.requests import ConsentRequest, Requests, Unsealed

DOOR = "oauth"
_MINUTE = timedelta(minutes=1)
_MEANS = {Permission.READ: "Read and search memories", Permission.WRITE: "Keep, change and delete memories"}

# There is no form-action: browsers hold it against where an answer is sent on to, which is the application's place.
_HEADERS = {
    "cache-control": "no-store",
    # With no referrer at all, browsers would say of their own forms that they come from nowhere.
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
    ),
}


@dataclass(frozen=True, slots=True)
class Consent:
    """The pages."""

    core: Core
    options: OAuthOptions
    requests: Requests

    # --- what is asked -----------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        """Ask who somebody is, then what they allow."""
        sealed = request.query_params.get("request", "")
        try:
            wanted = await self.requests.opened(sealed)
        except Unsealed:
            return _stale()
        principal = await self._principal(request)
        return _login(sealed, wanted) if principal is None else await self._ask(sealed, wanted, principal)

    async def _ask(
        self, sealed: str, wanted: ConsentRequest, principal: Principal, error: str = "", status: int = 200
    ) -> Response:
        assert principal.user is not None
        published = wanted.application_id.startswith("https://")
        scopes = "".join(
            f'<label class="scope"><input type="checkbox" name="scope" value="{SCOPES[permission]}" checked> '
            f"{_MEANS[permission]} <code>{SCOPES[permission]}</code></label>"
            for permission in Permission
            if permission in wanted.permissions
        )
        return _page(
            "consent",
            status,
            application=wanted.application_name,
            origin=f"It describes itself at {wanted.application_id}."
            if published
            else "It registered itself under this name; nobody has checked it.",
            place=place_of(wanted.redirect_uri),
            email=principal.user.email,
            request=sealed,
            mark=await self.requests.mark(wanted, principal),
            error=error,
            raw_scopes=scopes,
            raw_reaches=await self._reaches(principal),
        )

    async def _reaches(self, principal: Principal) -> str:
        groups = []
        for seat in await self.core.organizations.all(principal):
            organization = seat.organization
            options = [(f"organization:{organization.id}", f"Everything I reach in {organization.name}")]
            found = await self.core.teams.all(principal, organization=organization.id)
            options += [(f"project:{one.project.id}", f"Only {one.project.name}") for one in found]
            groups.append(f'<optgroup label="{escape(organization.name)}">{_options(options)}</optgroup>')
        return "".join(groups)

    # --- what is answered --------------------------------------------------------------------

    async def login(self, request: Request) -> Response:
        """Open a session, the same that all pages of this server know."""
        form = await request.form()
        sealed = _text(form, "request")
        try:
            wanted = await self.requests.opened(sealed)
        except Unsealed:
            return _stale()
        if self._is_foreign(request):
            return _stale()
        name = _text(form, "login")
        try:
            await self._count(request, name)
            user = await self.core.accounts.authenticate(name, _text(form, "password"))
        except (NotAuthenticated, TooManyRequests) as error:
            return _login(sealed, wanted, str(error), 401 if isinstance(error, NotAuthenticated) else 429)
        except PolymemError as error:
            return _login(sealed, wanted, str(error), 400)
        _, secret = await self.core.accounts.open_session(user)
        response = RedirectResponse(f"{self._origin(request)}{ENDPOINTS}/consent?request={sealed}", 303, _HEADERS)
        seconds = int(self.core.accounts.rules.session_lifetime.total_seconds())
        response.set_cookie(
            SESSION_COOKIE, secret, max_age=seconds, httponly=True, samesite="lax", secure=request.url.scheme == "https"
        )
        return response

    async def decide(self, request: Request) -> Response:
        """Send the application what somebody decided."""
        form = await request.form()
        sealed = _text(form, "request")
        try:
            wanted = await self.requests.opened(sealed)
        except Unsealed:
            return _stale()
        principal = await self._principal(request)
        if principal is None:
            return _login(sealed, wanted)
        mark = _text(form, "mark")
        if self._is_foreign(request) or not hmac.compare_digest(
            mark.encode("utf-8", "replace"), (await self.requests.mark(wanted, principal)).encode()
        ):
            return await self._ask(sealed, wanted, principal, "This page was out of date; please decide again", 403)
        if _text(form, "decision") != "allow":
            return self._send(request, wanted, error="access_denied", error_description="The user said no")
        permissions = to_permissions(map(str, form.getlist("scope"))) & wanted.permissions
        kind, _, id_ = _text(form, "reach").partition(":")
        if not permissions or kind not in ("organization", "project") or not id_:
            return await self._ask(sealed, wanted, principal, "Choose what it may do, and where", 400)
        application = Application(
            id=wanted.application_id,
            name=wanted.application_name,
            redirect_uris=(wanted.redirect_uri,),
            created_at=self.core.clock.now(),
        )
        try:
            code = await self.core.grants.consent(
                principal,
                application,
                permissions=permissions,
                resource=wanted.resource,
                challenge=wanted.challenge,
                redirect_uri=wanted.redirect_uri,
                redirect_named=wanted.redirect_named,
                organization=id_ if kind == "organization" else None,
                project=id_ if kind == "project" else None,
            )
        except PolymemError as error:
            return await self._ask(sealed, wanted, principal, str(error), 400)
        return self._send(request, wanted, code=code)

    def _send(self, request: Request, wanted: ConsentRequest, **answer: str) -> Response:
        location = with_query(wanted.redirect_uri, **answer, state=wanted.state, iss=self._origin(request))
        return RedirectResponse(location, 303, _HEADERS)

    # --- who and from where ------------------------------------------------------------------

    async def _principal(self, request: Request) -> Principal | None:
        cookie = request.cookies.get(SESSION_COOKIE)
        if not cookie:
            return None
        try:
            principal = await self.core.access.principal_of(cookie, (SESSION,), anonymous=False, door=DOOR)
        except NotAuthenticated:
            return None
        return principal if principal.kind is PrincipalKind.USER else None

    def _origin(self, request: Request) -> str:
        return own_origin(request.url.scheme, request.headers.get("host", ""), self.options.public_url)

    def _is_foreign(self, request: Request) -> bool:
        # Browsers say with every form whose page it is of.
        origin = request.headers.get("origin")
        own = {f"{request.url.scheme}://{request.headers.get('host')}", self._origin(request)}
        return origin is not None and origin not in own

    async def _count(self, request: Request, name: str) -> None:
        limit = self.options.rate_limits.get("login")
        if limit:
            place = "nowhere" if request.client is None else request.client.host
            caller = f"{place} {name.strip().casefold()}"
            allowance = await self.core.limiter.hit("login", caller, limit, _MINUTE)
            if not allowance.allowed:
                raise TooManyRequests("login", limit, max(1, allowance.reset_after))


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _options(options: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)


def _login(sealed: str, wanted: ConsentRequest, error: str = "", status: int = 200) -> Response:
    return _page("login", status, application=wanted.application_name, request=sealed, error=error)


def _stale() -> Response:
    return _page("stale", 400)


def _page(name: str, status: int, **values: str) -> Response:
    folder = files("polymem.mcp.oauth")
    told = {key: text if key.startswith("raw_") else escape(text) for key, text in values.items()}
    if told.get("error"):
        told["error"] = f'<p class="error" role="alert">{told["error"]}</p>'
    body = Template(folder.joinpath(f"{name}.html").read_text("utf-8")).substitute(told)
    frame = Template(folder.joinpath("frame.html").read_text("utf-8")).substitute(body=body)
    return HTMLResponse(frame, status, _HEADERS)
