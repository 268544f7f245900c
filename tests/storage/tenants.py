"""Two organizations for the isolation tests: one that holds one of everything, and one that wants to see it."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

from polymem.app.composition import SystemClock, new_id
from polymem.app.passwords import Argon2Hasher
from polymem.core import Core, ports
from polymem.core.agents.ports import AgentProfile, AgentSession
from polymem.core.conflicts.ports import Resolution
from polymem.core.context.context import ContextQuery
from polymem.core.digest.digest import AnswerQuery, SummaryQuery
from polymem.core.errors import PolymemError
from polymem.core.filters import IdIn, InProjects, Instant, Sort
from polymem.core.model import Change, Draft
from polymem.core.people import (
    ApiKey,
    Assignment,
    AuditEntry,
    Invitation,
    InvitationStatus,
    Membership,
    OrganizationRole,
    Permission,
    Principal,
    PrincipalKind,
    ProjectMembership,
    ProjectRole,
    Scope,
    TokenPurpose,
)
from polymem.core.people.access import Action
from polymem.core.people.applications import Application, Grant, GrantToken, GrantTokenKind
from polymem.core.people.tenancy import slugify
from polymem.core.ports import CandidateQuery, Idempotency, Purge, Store
from polymem.core.ranking import Mode
from polymem.core.recall import Recalled, RecallQuery
from polymem.core.work import Task, WorkFilter
from polymem.inference import EmbedderSpec, open_embedder
from tests.storage.support import LATER, MODEL, NOW, changed, memory, project

OPERATOR = Principal(kind=PrincipalKind.OPERATOR, door="test")
APPLICATION = Application(id="app", name="App", redirect_uris=("http://127.0.0.1/callback",), created_at=NOW)
SECRET = "The launch code is tulip."


@dataclass(frozen=True, slots=True)
class Victim:
    """What there is to see, by the names under which verbs ask for it. An unknown one has names that nothing has."""

    names: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.names[name]


def open_people_core(store: Store, folder: Path) -> Core:
    """A core with cheap password hashes and no model."""
    embedder = open_embedder(EmbedderSpec(kind="none"), folder)
    return Core(store, embedder, SystemClock(), new_id, None, hasher=Argon2Hasher(memory_kib=64, passes=1, lanes=1))


async def newcomer(core: Core, name: str) -> tuple[Principal, Scope]:
    """A user with an organization of their own, by an account token; and the scope of that."""
    user, organization = await core.accounts.create(OPERATOR, f"{name}@example.org", name, "password")
    _, secret = await core.accounts.create_token(user, "test")
    principal = await core.access.principal_of(secret, door="test")
    return principal, await core.access.scope_for(principal, organization=organization.id)


async def fill(core: Core) -> Victim:
    """An organization that holds one of everything."""
    owner, scope = await newcomer(core, "victim")
    friend, _ = await newcomer(core, "friend")
    assert owner.user is not None
    assert friend.user is not None
    plans = (await core.teams.create(owner, "secret plans")).project
    sent = await core.invitations.invite_to_project(owner, plans.id, friend.user.email, ProjectRole.EDITOR)
    await core.invitations.accept(friend, sent.view.invitation.token)
    pending = await core.invitations.invite(
        owner, "third@example.org", assignments=[Assignment(plans.id, ProjectRole.VIEWER)]
    )
    key, _ = await core.keys.create(owner, "key", project=plans.id)
    old = (await core.memories.add(scope, Draft(content=SECRET, project=plans.key, tags=("tulip",)))).memory
    new = (await core.memories.add(scope, Draft(content=SECRET + " Now.", project=plans.key, supersedes=old.id))).memory
    await core.memories.add(scope, Draft(content="Of no project."), idempotency_key="request")
    # Counted before it is asked for, so that what is compared does not grow by itself.
    query = RecallQuery(text="launch", filter=(InProjects(frozenset({plans.id})),), record_access=False)
    await core.recall.record(scope, query, await core.recall(scope, query))
    task = await core.worklog.tasks.add(scope, plans.key, {"title": "Plant tulips"})
    await core.worklog.sessions.add(scope, plans.key, {"summary": "Planted"})
    await core.worklog.snippets.add(scope, plans.key, {"name": "Tulip", "code": "tulip()"})
    agent = await core.agents.create(scope, "gardener", pattern="garden")
    session = await core.agents.open_session(scope, owner, agent.project)
    token, _ = await core.accounts.create_token(owner.user, "other")
    notices = await core.notices.newest(owner)
    code = await core.grants.consent(
        owner, APPLICATION, project=plans.id, permissions=frozenset({Permission.READ}),
        resource="http://127.0.0.1/mcp", challenge="x", redirect_uri="http://127.0.0.1/callback",
    )  # fmt: skip
    held = await core.grants.held(code, GrantTokenKind.CODE)
    assert held is not None
    return Victim(
        {
            "organization": scope.organization_id,
            "slug": "victim",
            "project": plans.id,
            "key": plans.key,
            "memory": old.id,
            "other_memory": new.id,
            "user": friend.user.id,
            "owner": owner.user.id,
            "api_key": key.id,
            "invitation": pending.view.invitation.id,
            "task": task.id,
            "agent": "gardener",
            "session": session.id,
            "token": token.id,
            "grant": held.grant.id,
            "grant_token": held.token.id,
            "notification": notices.items[0].id,
            "request": "request",
            "conflict": "there-is-none",
        }
    )


def nobody(victim: Victim) -> Victim:
    """The same names for what does not exist."""
    return Victim({name: new_id() if "-" in value else f"no {name}" for name, value in victim.names.items()})


# --- every verb ----------------------------------------------------------------------------------


def verbs(core: Core) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public verb of the store, of its areas, and of the core, by name."""
    store_areas = [name for name, _ in inspect.getmembers(Store, lambda member: isinstance(member, property))]
    yield from _of("store", core.store, Store)
    for name in store_areas:
        getter = inspect.getattr_static(Store, name).fget
        yield from _of(f"store.{name}", getattr(core.store, name), get_type_hints(getter, vars(ports))["return"])
    for name, area in vars(core).items():
        if not name.startswith("_") and type(area).__module__.startswith("polymem.core.") and name != "limiter":
            yield from _of(f"core.{name}", area, type(area))
            for part, inner in vars(area).items():
                if not part.startswith("_") and type(inner).__module__.startswith("polymem.core."):
                    yield from _of(f"core.{name}.{part}", inner, type(inner))
    yield "core.stats", core.stats


def _of(place: str, area: object, kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, function in inspect.getmembers(kind, inspect.isfunction):
        asynchronous = inspect.iscoroutinefunction(function) or "AsyncIterator" in str(
            inspect.signature(function).return_annotation
        )
        if asynchronous and (not name.startswith("_") or name == "__call__"):
            yield f"{place}.{name}", getattr(area, name)


# --- what a stranger asks ------------------------------------------------------------------------

_OF_PROJECT = {"project", "project_id", "identifier", "reference"}
_OF_MEMORY = {"memory_id", "old_id"}
_OF_USER = {"user_id", "new_owner_id"}
_IDENTITY = {
    *_OF_PROJECT, *_OF_MEMORY, *_OF_USER, "id", "ids", "memory_ids", "new_id", "organization", "organization_id",
    "key_id", "invitation_id", "notification_id", "token_id", "session_id", "conflict_id", "grant_id", "key", "filter",
    "idempotency", "assignments", "slug", "project_ids",
}  # fmt: skip
"""Parameters that name something: always given, even where they could be left out."""


@dataclass(slots=True)
class Stranger:
    """Somebody of another organization who asks for what is the victim's."""

    principal: Principal
    scope: Scope
    victim: Victim
    by_name: bool

    def arguments(self, verb: str, function: Callable[..., Any]) -> dict[str, Any]:
        """What to call the verb with. A parameter that is new here raises KeyError: tell it what names the victim's."""
        given = {}
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                continue
            if parameter.default is inspect.Parameter.empty or name in _IDENTITY:
                given[name] = self.value(verb, name, str(parameter.annotation))
        return given

    def value(self, verb: str, name: str, annotation: str) -> Any:
        """The argument for a parameter."""
        victim, account = self.victim, self.principal.user
        assert account is not None
        special = self._special().get(f"{verb}.{name}")
        if special is not None:
            return special()
        if "polymem.core.people.Project'" in annotation:
            # Somebody else's project in one's own words, or straight from a leak.
            foreign = Scope(organization_id=self.scope.organization_id if self.by_name else victim["organization"])
            return project(foreign, victim["key"], id=victim["project"])
        if name in _OF_PROJECT:
            return victim["key"] if self.by_name else victim["project"]
        if name in _OF_MEMORY:
            return victim["memory"]
        if name in _OF_USER:
            return victim["user"]
        if name in ("organization", "organization_id"):
            return victim["slug"] if self.by_name and name == "organization" else victim["organization"]
        plain = {
            "scope": self.scope, "principal": self.principal, "operator": OPERATOR, "at": LATER, "limit": 10,
            "offset": 0, "sort": Sort(), "model": MODEL,
            "name": victim["agent"] if verb.startswith("core.agents") else "a name",
            "pattern": "garden", "new_id": victim["other_memory"], "ids": [victim["memory"]],
            "project_ids": [victim["project"]], "members": 10,
            "memory_ids": [victim["memory"]], "key_id": victim["api_key"], "invitation_id": victim["invitation"],
            "notification_id": victim["notification"], "token_id": victim["token"], "session_id": victim["session"],
            "conflict_id": victim["conflict"], "id": victim["task"], "key": victim["key"], "slug": victim["slug"],
            "content": SECRET, "repair": False, "since": NOW - timedelta(days=1), "until": LATER + timedelta(days=999),
            "before": LATER, "soon": LATER, "instant": Instant.CREATED,
            "kinds": None, "descending": True, "by": timedelta(hours=1), "open": None, "replaces": True,
            "email": "somebody@example.org", "action": Action.SEE_PROJECT, "permissions": frozenset({Permission.READ}),
            "expires_in": None, "kind": Task, "stored": 1, "recalled": 1, "found_nothing": False,
            "answer": Recalled((), Mode.KEYWORD, 0, 0, 0), "expires_at": LATER,
            "changes": {"title": "x"}, "values": {"title": "x"}, "metadata": {"a": 1},
            "status": InvitationStatus.CANCELLED, "resolution": Resolution.KEEP_OLD,
            "draft": Draft(content="Mine.", supersedes=victim["memory"]), "drafts": [Draft(content="Mine.")],
            "filter": WorkFilter(project_ids=frozenset({victim["project"]})) if "WorkFilter" in annotation
            else (InProjects(frozenset({victim["project"]})), IdIn(frozenset({victim["memory"]}))),
            "assignments": [Assignment(victim["project"], ProjectRole.VIEWER)],
            "memories": [memory(self.scope, "Mine.")], "findings": [],
            "memory": replace(memory(self.scope, SECRET, id=victim["memory"]), **self._owned()),
            "idempotency": Idempotency(victim["request"], "print"), "old": "password", "new": "password",
            "token": victim["token"], "purpose": TokenPurpose.BEARER, "purposes": list(TokenPurpose),
            "role": ProjectRole.VIEWER if "ProjectRole" in annotation else OrganizationRole.MEMBER,
            "query": self._query(annotation), "writes": self._writes(), "records": _records(victim),
            "membership": self._membership(annotation), "entry": self._entry(annotation),
            "application": APPLICATION, "resource": "http://127.0.0.1/mcp", "challenge": "x",
            "redirect_uri": "http://127.0.0.1/callback", "grant_id": victim["grant"], "grant": self._grant(),
            "code": self._code(), "tokens": [self._code()],
            "invitation": self._invitation(), "session": self._session(), "profile": self._profile(),
        }  # fmt: skip
        return plain[name]

    def _special(self) -> Mapping[str, Callable[[], Any]]:
        victim = self.victim
        assert self.principal.user is not None
        mine = self.principal.user.id
        return {
            "store.project.id": lambda: None if self.by_name else victim["project"],
            "store.project.key": lambda: victim["key"] if self.by_name else None,
            "store.project.slug": lambda: None,
            "store.add_key.key": self._api_key,
            "store.apply.idempotency": lambda: None,
            "core.projects.create.key": lambda: "mine",
            "core.teams.create.key": lambda: "mine",
            "core.worklog.sessions.add.id": lambda: None,
            "core.worklog.tasks.add.id": lambda: None,
            "core.worklog.snippets.add.id": lambda: None,
            # Accounts ask for their own: it is the other's things they must not get.
            **{f"store.people.{verb}.user_id": lambda: mine for verb in OF_ACCOUNT},
            "store.grants.of_user.user_id": lambda: mine,
            "core.agents.close_sessions.session_id": lambda: None,
            "store.grants.exchange.token_id": lambda: victim["grant_token"],
        }

    def _owned(self) -> dict[str, Any]:
        # By turns: an object that says it is the victim's, and one that only refers to what is.
        return {"organization_id": self.scope.organization_id if self.by_name else self.victim["organization"]}

    def _query(self, annotation: str) -> Any:
        inside = (InProjects(frozenset({self.victim["project"]})),)
        if "ContextQuery" in annotation:
            return ContextQuery(project=self.victim["project"])
        if "RecallQuery" in annotation:
            return RecallQuery(text="launch tulip", filter=inside)
        if "AnswerQuery" in annotation:
            return AnswerQuery(question="launch tulip", filter=inside, min_score=0.0)
        if "SummaryQuery" in annotation:
            return SummaryQuery(ids=(self.victim["memory"],)) if self.by_name else SummaryQuery(filter=inside)
        return CandidateQuery(text="launch tulip", vector=None, model=None, filter=(), include=self.victim["memory"])

    def _writes(self) -> list[Any]:
        seen = memory(self.scope, SECRET, id=self.victim["memory"])
        seen = replace(seen, **self._owned())
        return [changed(seen, Change.REVISED, title="x")] if self.by_name else [Purge(self.victim["memory"])]

    def _membership(self, annotation: str) -> Any:
        assert self.principal.user is not None
        if "ProjectMembership" in annotation:
            return ProjectMembership(
                **self._owned(),
                project_id=self.victim["project"],
                user_id=self.principal.user.id,
                role=ProjectRole.ADMIN,
                added_at=NOW,
            )
        # One's own organization may take anybody in; only another's must not.
        return Membership(
            organization_id=self.victim["organization"],
            user_id=self.principal.user.id,
            role=OrganizationRole.ADMIN,
            joined_at=NOW,
        )

    def _entry(self, annotation: str) -> Any:
        if "AuditEntry" in annotation:
            return AuditEntry(
                id=new_id(), organization_id=self.victim["organization"], at=NOW, actor="x", action="x",
                object_kind="x", object_id="x", door="x",
            )  # fmt: skip
        return Task(
            **self._owned(), id=self.victim["task"], project_id=self.victim["project"], project=self.victim["key"],
            title="x", created_at=NOW, updated_at=NOW, version=2,
        )  # fmt: skip

    def _invitation(self) -> Invitation:
        return Invitation(
            id=new_id(), organization_id=self.victim["organization"], email="x@example.org", token=new_id(),
            created_at=NOW, expires_at=LATER,
        )  # fmt: skip

    def _api_key(self) -> ApiKey:
        return ApiKey(
            **self._owned(), id=new_id(), project_id=self.victim["project"], name="x", prefix="mk_12345678",
            digest="0" * 64, created_at=NOW,
        )  # fmt: skip

    def _grant(self) -> Grant:
        assert self.principal.user is not None
        return Grant(
            **self._owned(), id=new_id(), user_id=self.principal.user.id, project_id=self.victim["project"],
            application_id="x", application_name="x", resource="x", created_at=NOW,
        )  # fmt: skip

    def _code(self) -> GrantToken:
        return GrantToken(
            **self._owned(), id=new_id(), grant_id=self.victim["grant"], kind=GrantTokenKind.CODE, prefix="oc_1",
            digest="0" * 64, permissions=frozenset({Permission.READ}), created_at=NOW, expires_at=LATER,
        )  # fmt: skip

    def _session(self) -> AgentSession:
        return AgentSession(
            **self._owned(), id=new_id(), project_id=self.victim["project"], credential=("mk_", "0"), started_at=NOW,
            expires_at=LATER,
        )  # fmt: skip

    def _profile(self) -> AgentProfile:
        return AgentProfile(project_id=self.victim["project"], pattern="x", created_at=NOW)

    async def ask(self, verb: str, function: Callable[..., Any]) -> str:
        """What comes of it, in words in which the victim's names and all that is random are left out."""
        arguments = self.arguments(verb, function)
        try:
            outcome = function(**arguments)
            stream = isinstance(outcome, AsyncIterator)
            said = repr([one async for one in outcome]) if stream else repr(await outcome)
        except PolymemError as error:
            said = f"{type(error).__name__}: {error}"
        own = {self.scope.organization_id, *_texts(self.principal)}
        spoken = {form for name in self.victim.names.values() for form in (name, name.title(), slugify(name))}
        for text in sorted(spoken | own, key=len, reverse=True):
            said = said.replace(text, "…")
        said = re.sub(r"datetime\.datetime\([^()]*(\([^()]*\))?[^()]*\)", "…", said)
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(mk|sk_im|at|ps|pr|oc)_[\w-]+|[0-9a-f]{32,64}|[pmo]-\d{8}", "…", said)


OF_ACCOUNT = {
    "tokens", "touch_token", "revoke_token", "revoke_tokens", "seats", "seat", "reaches", "reach", "sole_admin_of",
    "notifications", "read_notification", "read_notifications", "of_user",
}  # fmt: skip
"""The verbs of people, and of what they granted, that take the account itself instead of a scope."""


def _texts(principal: Principal) -> Iterator[str]:
    assert principal.user is not None
    yield from (principal.user.id, principal.user.email, principal.user.name)


async def _records(victim: Victim) -> AsyncIterator[Any]:
    await asyncio.sleep(0)
    yield {"id": victim["memory"], "content": "Mine.", "project": "mine", "supersedes": victim["other_memory"]}
