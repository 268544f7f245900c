"""A browser's visit: who looks, at which organization and project, and what they may do right now."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated, PolymemError
from polymem.core.model import Memory
from polymem.core.people import Organization, Permission, Principal, Project, Scope, credentials
from polymem.core.people.access import Action, Authority
from polymem.dashboard.counts import Counts
from polymem.dashboard.options import DashboardOptions

DOOR = "dashboard"
SESSION_COOKIE = "polymem_session"
"""The session that `POST /v1/auth/login` gives, too."""
ORGANIZATION_COOKIE = "polymem_organization"
PROJECT_COOKIE = "polymem_project"
THEME_COOKIE = "polymem_theme"

Theme = Literal["auto", "light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One page that somebody looks at.

    What is kept here is for display. Rights are looked up anew with every call of `scope` and `authority`, so that a
    session that ended, or a role that was taken away, is refused at once. `credential` is the session's fingerprint,
    None for the local owner. `organization` is None for an account that belongs to none. `project` is the one that
    was chosen, None for all. `root` is what stands before every path, mostly nothing.
    """

    core: Core
    options: DashboardOptions
    counts: Counts
    principal: Principal
    credential: tuple[str, str] | None
    organization: Organization | None
    organizations: tuple[Organization, ...]
    projects: tuple[Project, ...]
    project: Project | None
    theme: Theme
    root: str
    server: str

    async def again(self) -> Principal:
        """Who looks, if they still may. Raises NotAuthenticated."""
        if self.credential is None:
            return await self.core.access.principal_of(None, door=DOOR)
        return await self.core.access.principal_again(*self.credential, door=DOOR)

    async def scope(self, permission: Permission | None = None) -> Scope:
        """What they reach: of the chosen project or all of the organization, where they have this permission.

        Raises NotAuthenticated, Forbidden, NotFound.
        """
        return await self._scope(None if self.project is None else self.project.id, permission)

    async def whole(self, permission: Permission | None = None) -> Scope:
        """The same for all projects, whichever was chosen: for what is named by its id."""
        return await self._scope(None, permission)

    async def _scope(self, project: str | None, permission: Permission | None) -> Scope:
        return await self.core.access.scope_for(
            await self.again(), organization=self._organization_id, project=project, permission=permission
        )

    async def authority(self) -> Authority:
        """What they are to the organization. Raises as `scope`."""
        return await self.core.access.authority(await self.again(), organization=self._organization_id)

    async def may(self, action: Action) -> bool:
        """Whether they may do this to the organization: for what is offered, and never instead of the core's check."""
        try:
            return (await self.authority()).may(action)
        except PolymemError:
            return False

    async def can_write(self, memory: Memory | None = None) -> bool:
        """Whether they may change this memory or, without one, keep new ones."""
        if memory is not None:
            return (await self.writable())(memory)
        try:
            scope = await self.scope(Permission.WRITE)
        except PolymemError:
            return False
        return scope.projects is None or bool(scope.projects)

    async def writable(self) -> Callable[[Memory], bool]:
        """Tells of any memory whether they may change it, as things are now: for a page of them."""
        try:
            projects = (await self.whole(Permission.WRITE)).projects
        except PolymemError:
            return lambda _: False
        return lambda memory: projects is None or memory.project_id in projects

    @property
    def _organization_id(self) -> str | None:
        if self.organization is None and self.principal.user is not None:
            raise Forbidden("This account belongs to no organization yet: make one, or accept an invitation")
        return None if self.organization is None else self.organization.id

    @property
    def name(self) -> str:
        """Who looks, for people."""
        return "Local owner" if self.principal.user is None else self.principal.user.name

    def path(self, path: str) -> str:
        """The address of a page, as a link needs it."""
        return self.root + path


async def visit_of(request: Request, core: Core, options: DashboardOptions, counts: Counts) -> Visit:
    """The visit a request begins. Raises NotAuthenticated when nobody is signed in and somebody has to be."""
    secret = request.cookies.get(SESSION_COOKIE)
    principal, credential = await _comer(core, secret)
    organization, organizations = await _organization(core, principal, request.cookies.get(ORGANIZATION_COOKIE))
    projects: tuple[Project, ...] = ()
    if organization is not None:
        scope = await core.access.scope_for(principal, organization=organization.id)
        projects = tuple(await core.projects.all(scope))
    wanted = request.cookies.get(PROJECT_COOKIE)
    theme = request.cookies.get(THEME_COOKIE)
    return Visit(
        core=core,
        options=options,
        counts=counts,
        principal=principal,
        credential=credential,
        organization=organization,
        organizations=organizations,
        projects=projects,
        project=next((project for project in projects if project.id == wanted), None),
        theme="dark" if theme == "dark" else "light" if theme == "light" else "auto",
        root=request.scope.get("root_path", ""),
        server=str(request.base_url).rstrip("/"),
    )


async def comes_in(request: Request, core: Core) -> None:
    """Raises NotAuthenticated when nobody is signed in and somebody has to be."""
    await _comer(core, request.cookies.get(SESSION_COOKIE))


async def _comer(core: Core, secret: str | None) -> tuple[Principal, tuple[str, str] | None]:
    if secret:
        try:
            principal = await core.access.principal_of(secret, (credentials.SESSION,), door=DOOR)
            return principal, credentials.fingerprint(secret)
        except NotAuthenticated:
            # Browsers send it long after it has ended; that must not be worse than sending none.
            pass
    return await core.access.principal_of(None, door=DOOR), None


async def _organization(
    core: Core, principal: Principal, wanted: str | None
) -> tuple[Organization | None, tuple[Organization, ...]]:
    # Those they own come first.
    found = tuple(seat.organization for seat in await core.organizations.all(principal))
    chosen = next((organization for organization in found if organization.id == wanted), None)
    return chosen or next(iter(found), None), found
