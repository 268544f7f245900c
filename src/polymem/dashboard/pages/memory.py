"""One memory: its text, everything that is known about it, its versions, its chain, its conflicts."""

from datetime import datetime

from nicegui import ui

from polymem.core.conflicts.ports import Conflict
from polymem.core.errors import NotFound
from polymem.core.model import Memory
from polymem.core.people import Permission
from polymem.dashboard.pages.memory_form import draw_form
from polymem.dashboard.pages.memory_versions import draw_versions
from polymem.dashboard.parts.elements import attempt, badge, button, card, fact, link, markdown, say, tag, text
from polymem.dashboard.parts.live import follow
from polymem.dashboard.parts.memory_table import state_of
from polymem.dashboard.parts.wording import address_of, ago, number, title_of, when, words_of
from polymem.dashboard.visit import Visit

_MOST_TEXT = 100_000
"""Characters shown of a text at once."""


async def build(visit: Visit, memory_id: str) -> None:
    """Draw the page."""
    page = _MemoryPage(visit, await visit.core.memories.get(await visit.whole(), memory_id, hidden=True))
    with tag("div", "pm-memory"):
        await page.draw()
    await follow(visit, page.look)


class _MemoryPage:
    # What is shown, so that it is drawn again only when it changed, and never under the hands of who edits it.

    def __init__(self, visit: Visit, memory: Memory) -> None:
        self._visit = visit
        self._memory = memory
        self._edits = False
        self._as_markdown = False

    async def draw(self) -> None:
        self._body = tag("div")
        await self._fill()

    async def look(self) -> None:
        """Draw again if the memory is another one now."""
        try:
            memory = await self._read()
        except NotFound:
            say("This memory was removed for good.", bad=True)
            return
        if memory.version == self._memory.version or self._edits:
            return
        self._memory = memory
        await self._fill()

    async def _read(self) -> Memory:
        visit = self._visit
        return await visit.core.memories.get(await visit.whole(), self._memory.id, hidden=True)

    async def again(self) -> None:
        """Read and draw what there is now."""
        self._edits = False
        self._memory = await self._read()
        await self._fill()

    async def _fill(self) -> None:
        visit, memory = self._visit, self._memory
        now = visit.core.clock.now()
        scope = await visit.whole()
        writes = await visit.can_write(memory)
        conflicts = await visit.core.conflicts.of(scope, memory.id)
        try:
            chain = await visit.core.chains.chain(scope, memory.id)
        except NotFound:
            chain = (memory,)
        versions = await visit.core.memories.history(scope, memory.id)
        self._body.clear()
        with self._body:
            link("All memories", visit.path("/memories"), "pm-link pm-crumb")
            _draw_head(memory, now)
            if writes:
                self._draw_actions()
            with tag("div", "pm-grid"):
                with tag("div", "pm-two-thirds pm-stack"):
                    with card("Text"):
                        self._draw_text()
                    with card("Versions"):
                        await draw_versions(visit, versions, now)
                with tag("div", "pm-third pm-stack"):
                    with card("About it"):
                        _draw_facts(memory, now)
                    with card("Where it came from"):
                        _draw_origin(memory, versions[0].actor, now)
                    if len(chain) > 1:
                        with card("What replaced what"):
                            _draw_chain(visit, chain, memory)
                    with card("Conflicts"):
                        _draw_conflicts(visit, conflicts, memory)

    def _draw_actions(self) -> None:
        memory = self._memory
        with tag("div", "pm-actions pm-below"):
            if memory.forgotten_at is not None:
                button("Restore", attempt(self._restore), icon="restore_from_trash", kind="main")
            else:
                button("Edit", attempt(self._edit), icon="edit", kind="main")
                button("Forget", attempt(self._forget), icon="delete", kind="bad")

    def _draw_text(self) -> None:
        memory = self._memory
        content = memory.content[:_MOST_TEXT]
        if self._as_markdown:
            markdown(content)
        else:
            text(content, "pm-content")
        if len(memory.content) > _MOST_TEXT:
            text(f"{number(len(memory.content) - _MOST_TEXT)} more characters are not shown.", "pm-soft")
        toggle = button("Show as text" if self._as_markdown else "Show as Markdown", attempt(self._turn))
        toggle.classes("pm-small pm-below")

    async def _turn(self) -> None:
        self._as_markdown = not self._as_markdown
        await self._fill()

    async def _edit(self) -> None:
        self._edits = True
        self._body.clear()
        with self._body:
            draw_form(self._visit, self._memory, self.again)

    async def _forget(self) -> None:
        visit = self._visit
        await visit.core.memories.forget(await visit.whole(Permission.WRITE), self._memory.id)
        say("Forgotten. It can be restored until it is removed for good.")
        await self.again()

    async def _restore(self) -> None:
        visit = self._visit
        await visit.core.memories.restore(await visit.whole(Permission.WRITE), self._memory.id)
        say("Restored")
        await self.again()


def _draw_head(memory: Memory, now: datetime) -> None:
    with tag("div", "pm-heading"):
        text(title_of(memory), name="h1")
        with tag("div", "pm-tags"):
            if state := state_of(memory, now):
                badge(state, "pm-badge-warn")
            badge(memory.kind, "pm-badge-accent")
            if memory.project:
                badge(memory.project)
            for one in memory.tags:
                badge(one)
    ui.page_title(f"{title_of(memory)} · polymem")


def _draw_facts(memory: Memory, now: datetime) -> None:
    confidence = "unknown" if memory.confidence is None else f"{memory.confidence:.0%}"
    if memory.summary:
        text(memory.summary, "pm-below")
    with tag("dl", "pm-facts"):
        fact("Project", memory.project or "none")
        fact("Importance", f"{memory.importance} of 10")
        fact("Weight", f"{memory.weight:g}")
        fact("Confidence", confidence)
        fact("Delivery", words_of(memory.delivery.value))
        used = f"{number(memory.access_count)}, last {ago(memory.last_accessed, now)}"
        fact("Uses", used if memory.access_count else "none yet")
        if memory.validations or memory.contradictions:
            fact("Findings", f"{memory.validations} for it, {memory.contradictions} against it")
        for name, instant in (
            ("Happened", memory.occurred_at),
            ("True from", memory.valid_from),
            ("True until", memory.valid_to),
            ("Ends", memory.expires_at),
            ("Forgotten", memory.forgotten_at),
        ):
            if instant is not None:
                fact(name, f"{when(instant)} ({ago(instant, now)})")
        for key, value in memory.metadata.items():
            fact(key, str(value))


def _draw_origin(memory: Memory, actor: str | None, now: datetime) -> None:
    with tag("dl", "pm-facts"):
        fact("Kept", f"{when(memory.created_at)} ({ago(memory.created_at, now)})")
        fact("By", actor or "unknown")
        fact("Provenance", words_of(memory.provenance or "not said"))
        if memory.container:
            fact("Conversation", memory.container)
        if memory.context:
            fact("Context", memory.context)
        fact("Id", memory.id)


def _draw_chain(visit: Visit, chain: tuple[Memory, ...], here: Memory) -> None:
    with tag("ol", "pm-chain"):
        for memory in chain:
            with tag("li", "pm-here" if memory.id == here.id else ""):
                if memory.id == here.id:
                    text(title_of(memory), "pm-strong", "span")
                else:
                    link(title_of(memory), visit.path(address_of(memory.id)))
                text("current" if memory is chain[-1] else "replaced", "pm-soft")


def _draw_conflicts(visit: Visit, conflicts: list[Conflict], here: Memory) -> None:
    if not conflicts:
        text("Nothing contradicts it, and nothing says the same.", "pm-soft", "p")
        return
    with tag("ul", "pm-plain"):
        for conflict in conflicts:
            other = conflict.new if conflict.old.id == here.id else conflict.old
            with tag("li"):
                with tag("div", "pm-tags"):
                    badge(words_of(conflict.reason.value), "pm-badge-accent")
                    settled = conflict.resolution
                    badge(
                        "open" if settled is None else words_of(settled.value),
                        "pm-badge-bad" if settled is None else "",
                    )
                link(title_of(other), visit.path(address_of(other.id)))
                text(conflict.detail, "pm-soft", "p")
