"""All memories: a table that is paged, sorted and filtered on the server, and what can be done to several at once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

from nicegui import ui

from polymem.core.errors import PolymemError
from polymem.core.filters import (
    Between,
    ContainsText,
    Expired,
    Filter,
    Forgotten,
    IdIn,
    ImportanceBetween,
    InProjects,
    Instant,
    KindIn,
    Not,
    Sort,
    SortKey,
    Superseded,
    TagsAll,
)
from polymem.core.model import Memory, Page
from polymem.core.people import Permission
from polymem.dashboard.parts.elements import (
    attempt,
    button,
    confirmed,
    empty,
    heading,
    say,
    tag,
    text,
)
from polymem.dashboard.parts.first import first_command
from polymem.dashboard.parts.forms import Form
from polymem.dashboard.parts.live import follow
from polymem.dashboard.parts.memory_table import MemoryTable
from polymem.dashboard.parts.paging import Pager
from polymem.dashboard.parts.wording import number, plural
from polymem.dashboard.visit import Visit

_ROWS = 25
_STATES = {
    "current": "Current",
    "all": "Current and replaced",
    "replaced": "Replaced",
    "expiring": "Ending within a week",
    "expired": "Expired",
    "unused": "Never used",
    "copies": "Copies of others",
}
_ANY = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the table is to show. `state` is a key of `_STATES`; `project` is the key of one, where none was chosen for
    all pages."""

    text: str = ""
    kind: str = _ANY
    tag: str = ""
    least: int = 1
    project: str = _ANY
    state: str = "current"
    sort: SortKey = SortKey.CREATED
    descending: bool = True

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out on purpose."""
        return self != replace(Wanted(), sort=self.sort, descending=self.descending)


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Memories", "Everything that is remembered; choose some to change several at once.")
    writes = await visit.can_write()
    query = dict(ui.context.client.request.query_params)
    table = _Listing(visit, from_query(query), writes)
    await table.draw(to_offset(query.get("offset", "")))
    await follow(visit, table.fill)


class _Listing:
    # The page's elements, and what they show at the moment.

    def __init__(self, visit: Visit, wanted: Wanted, writes: bool) -> None:
        self._visit = visit
        self._wanted = wanted
        self._writes = writes
        self._page: Page[Memory] = Page((), 0, _ROWS, 0)

    async def draw(self, offset: int) -> None:
        await self._draw_filters()
        self._chosen = tag("div", "pm-chosen-bar", role="status")
        self._chosen.set_visibility(False)
        with tag("div", "pm-card pm-table-card"):
            self._table = MemoryTable(
                "Memories",
                selectable=self._writes,
                on_choose=lambda _: self._draw_chosen(),
                on_sort=attempt(self._sort),
            )
            self._nothing = tag("div")
        self._pager = Pager(_ROWS, self._turn, offset=offset)
        await self.fill()

    async def fill(self) -> None:
        """Ask again, and show."""
        visit, wanted = self._visit, self._wanted
        self._page = page = await self._pager.read(self._read)
        self._table.show(visit, page.items, visit.core.clock.now(), wanted.sort, wanted.descending)
        self._table.set_visibility(bool(page.items))
        self._nothing.clear()
        if not page.items:
            with self._nothing:
                if wanted.is_narrow:
                    empty("filter_alt_off", "Nothing matches", "Another word, kind or state may find more.")
                else:
                    empty(
                        "auto_stories",
                        "Nothing is remembered yet",
                        "Keep a first memory, and it appears here without a reload.",
                        [first_command(visit)],
                    )
        self._draw_chosen()

    async def _read(self, limit: int, offset: int) -> Page[Memory]:
        visit, wanted = self._visit, self._wanted
        filter, scope = to_filter(visit, wanted), await visit.scope()
        if wanted.state == "copies":
            filter += (IdIn(frozenset(await visit.core.overview.copies(scope))),)
        sort = Sort(wanted.sort, wanted.descending)
        return await visit.core.memories.find(scope, filter, sort=sort, limit=limit, offset=offset, hidden=True)

    async def _change(self, **values: object) -> None:
        self._wanted = replace(self._wanted, **values)  # type: ignore[arg-type]
        self._pager.rewind()
        await self._turn()

    async def _turn(self) -> None:
        self._table.choose_none()
        await self.fill()
        query = urlencode(to_query(self._wanted, self._pager.offset))
        # Words of our own and percent-encoded text: safe within quotes.
        ui.run_javascript(f"history.replaceState(null, '', location.pathname + '{'?' + query if query else ''}')")

    async def _sort(self, key: SortKey) -> None:
        again = self._wanted.sort is key
        await self._change(sort=key, descending=not self._wanted.descending if again else True)

    async def _draw_filters(self) -> None:
        visit, wanted = self._visit, self._wanted
        census = await visit.core.overview.census(await visit.scope())
        kinds = dict.fromkeys([*census.by_kind, *([wanted.kind] if wanted.kind else [])])
        with tag("form", "pm-filters", role="search", aria_label="Narrow down") as form:
            form.on("submit", js_handler="(event) => event.preventDefault()")
            field = ui.input(
                "Text", value=wanted.text, on_change=attempt(lambda event: self._change(text=event.value or ""))
            )
            field.props("outlined dense clearable debounce=300 maxlength=2000").classes("pm-grow")
            _select("Kind", {_ANY: "Any kind"} | {kind: kind for kind in kinds}, wanted.kind, self._change, "kind")
            ui.input(
                "Tag", value=wanted.tag, on_change=attempt(lambda event: self._change(tag=event.value or ""))
            ).props("outlined dense clearable debounce=300 maxlength=500").classes("pm-field")
            importances = {1: "Any importance"} | {least: f"{least} or more" for least in range(2, 11)}
            _select("Importance", importances, wanted.least, self._change, "least")
            _select("State", _STATES, wanted.state, self._change, "state")
            if visit.project is None and visit.projects:
                projects = {project.key: project.name for project in visit.projects}
                gone = {wanted.project: wanted.project} if wanted.project not in projects else {}
                _select("In", gone | {_ANY: "Any project"} | projects, wanted.project, self._change, "project")

    def _draw_chosen(self) -> None:
        count = len(self._table.chosen)
        self._chosen.set_visibility(count > 0)
        self._chosen.clear()
        if not count:
            return
        with self._chosen:
            text(f"{plural(count, 'memory', 'memories')} chosen", "pm-strong")
            button("Add a tag", attempt(self._add_tag), icon="sell")
            button("Set importance", attempt(self._set_importance), icon="priority_high")
            button("Move to a project", attempt(self._move), icon="drive_file_move")
            button("Forget", attempt(self._forget), icon="delete", kind="bad")
            button("Choose none", self._choose_none)

    def _choose_none(self) -> None:
        self._table.choose_none()
        self._draw_chosen()

    async def _forget(self) -> None:
        ids = frozenset(self._table.chosen)
        about = "They are hidden everywhere at once, and can be restored from the trash."
        if not await confirmed(f"Forget {plural(len(ids), 'memory', 'memories')}?", about, "Forget"):
            return
        visit = self._visit
        scope = await visit.whole(Permission.WRITE)
        gone = await visit.core.memories.forget_matching(scope, (IdIn(ids),), sort=Sort(), limit=len(ids))
        say(f"{plural(gone, 'memory', 'memories')} forgotten")
        await self._done()

    async def _add_tag(self) -> None:
        added = await _asked("Add a tag", "Tag")
        if added:
            await self._revise(lambda memory: {"tags": tuple(dict.fromkeys((*memory.tags, added)))})

    async def _set_importance(self) -> None:
        given = await _asked("Set importance", "Importance, 1 to 10")
        if given:
            importance = int(given) if given.isdecimal() else 0
            await self._revise(lambda _: {"importance": importance})

    async def _move(self) -> None:
        project = await _asked("Move to a project", "Project; one that is not there is made")
        if project:
            await self._revise(lambda _: {"project": project})

    async def _revise(self, changes: Callable[[Memory], Mapping[str, object]]) -> None:
        visit = self._visit
        scope = await visit.whole(Permission.WRITE)
        chosen = set(self._table.chosen)
        done = 0
        try:
            for memory in [memory for memory in self._page.items if memory.id in chosen]:
                await visit.core.memories.revise(scope, memory.id, changes(memory))
                done += 1
        except PolymemError as error:
            if not done:
                raise
            say(f"{number(done)} of {number(len(chosen))} changed, then: {error}", bad=True)
        else:
            say(f"{plural(done, 'memory', 'memories')} changed")
        await self._done()

    async def _done(self) -> None:
        self._table.choose_none()
        await self.fill()


def _select(
    label: str, options: dict[object, str] | dict[str, str] | dict[int, str], value: object,
    change: Callable[..., Awaitable[None]], name: str,
) -> None:  # fmt: skip
    made = ui.select(
        dict(options), label=label, value=value, on_change=attempt(lambda event: change(**{name: event.value}))
    )
    made.props("outlined dense options-dense behavior=menu").classes("pm-field")


async def _asked(title: str, label: str) -> str:
    with Form(title, title) as form:
        field = ui.input(label).props("outlined autofocus maxlength=500")
    return str(field.value or "").strip() if await form.shown() else ""


def to_filter(visit: Visit, wanted: Wanted) -> Filter:
    """What the core is asked for."""
    now = visit.core.clock.now()
    states: dict[str, Filter] = {
        "current": (Expired(False, now), Superseded(False)),
        "all": (Expired(False, now),),
        "replaced": (Expired(False, now), Superseded(True)),
        "expiring": (
            Expired(False, now),
            Superseded(False),
            Between(Instant.EXPIRES, now, now + timedelta(days=7)),
        ),
        "expired": (Expired(True, now),),
        "unused": (Expired(False, now), Superseded(False), Not(Between(Instant.USED))),
        # Which ones are copies depends on others: `_Listing.fill` adds their ids.
        "copies": (Expired(False, now), Superseded(False)),
    }
    filter: Filter = (Forgotten(False), *states[wanted.state])
    if wanted.text:
        filter += (ContainsText(wanted.text),)
    if wanted.kind:
        filter += (KindIn(frozenset({wanted.kind})),)
    if wanted.tag:
        filter += (TagsAll(frozenset({wanted.tag})),)
    if wanted.project and visit.project is None:
        filter += (InProjects(frozenset(one.id for one in visit.projects if one.key == wanted.project)),)
    if wanted.least > 1:
        filter += (ImportanceBetween(least=wanted.least),)
    return filter


def from_query(query: Mapping[str, str]) -> Wanted:
    """What an address asks for; what makes no sense is as if it were not there."""
    least, sort = query.get("least", ""), query.get("sort", "")
    return Wanted(
        text=query.get("text", "")[:2000],
        kind=query.get("kind", "")[:500],
        tag=query.get("tag", "")[:500],
        least=int(least) if least in {str(one) for one in range(1, 11)} else 1,
        project=query.get("project", "")[:500],
        state=query.get("state", "") if query.get("state") in _STATES else "current",
        sort=SortKey(sort) if sort in set(SortKey) else SortKey.CREATED,
        descending=query.get("order") != "ascending",
    )


def to_offset(told: str) -> int:
    """The row an address begins with; 0 where that makes no sense."""
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 12 else 0


def to_query(wanted: Wanted, offset: int) -> dict[str, str]:
    """The same as an address says it, without what is usual."""
    usual = Wanted()
    told = {name: str(getattr(wanted, name)) for name in ("text", "kind", "tag", "least", "project", "state")}
    kept = {name: value for name, value in told.items() if value != str(getattr(usual, name))}
    if wanted.sort is not usual.sort:
        kept["sort"] = wanted.sort.value
    if not wanted.descending:
        kept["order"] = "ascending"
    if offset:
        kept["offset"] = str(offset)
    return kept
