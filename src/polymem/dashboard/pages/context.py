"""The context document of a project: what an agent is given at the start, and what a budget of tokens leaves out."""

from nicegui import ui

from polymem.core.context.context import DEFAULT_TOKENS, LEAST_TOKENS, ContextQuery
from polymem.core.errors import InvalidInput
from polymem.dashboard.parts.elements import (
    attempt,
    button,
    card,
    copy_button,
    empty,
    fact,
    heading,
    markdown,
    tag,
    text,
)
from polymem.dashboard.parts.wording import number, plural, when, words_of
from polymem.dashboard.visit import Visit

_BUDGETS = (1000, 2000, 4000, DEFAULT_TOKENS, 16_000, 32_000)


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Context", "The document that starts a conversation with what matters in a project.")
    if not visit.projects:
        empty("description", "There is no project yet", "A memory that is kept with a project makes it.")
        return
    await _Preview(visit).draw()


class _Preview:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._as_text = False

    async def draw(self) -> None:
        visit = self._visit
        projects = {project.id: project.name for project in visit.projects}
        first = visit.projects[0] if visit.project is None else visit.project
        with tag("form", "pm-filters", aria_label="What the document is for") as form:
            form.on("submit.prevent", attempt(self._fill), [])
            self._project = ui.select(projects, label="Project", value=first.id, on_change=attempt(self._fill))
            self._project.props("outlined dense options-dense behavior=menu").classes("pm-field")
            self._budget = ui.input("Tokens at most", value=str(DEFAULT_TOKENS), on_change=attempt(self._fill))
            self._budget.props("outlined dense debounce=400 inputmode=numeric").classes("pm-field")
            self._query = ui.input("Focus on", on_change=attempt(self._fill))
            self._query.props("outlined dense clearable debounce=400 maxlength=2000").classes("pm-grow")
            self._snippets = ui.checkbox("With code", on_change=attempt(self._fill))
        with tag("div", "pm-tags pm-below"):
            for tokens in _BUDGETS:
                button(number(tokens), attempt(lambda tokens=tokens: self._set_budget(tokens))).classes("pm-small")
        self._body = tag("div")
        await self._fill()

    async def _set_budget(self, tokens: int) -> None:
        self._budget.value = str(tokens)

    async def _fill(self, *_: object) -> None:
        visit = self._visit
        entered = (self._budget.value or "").replace(",", "").strip()
        if not entered.isdecimal():
            raise InvalidInput(f"Tokens must be a number, {LEAST_TOKENS} or more", field="max_tokens")
        query = ContextQuery(
            project=str(self._project.value),
            max_tokens=int(entered),
            query=(self._query.value or "").strip() or None,
            snippets=bool(self._snippets.value),
        )
        document = await visit.core.context(await visit.whole(), query)
        self._body.clear()
        with self._body, tag("div", "pm-grid"):
            with tag("div", "pm-two-thirds"), card("Document"):
                with tag("div", "pm-actions pm-below-small"):
                    button("Show as Markdown" if self._as_text else "Show as text", attempt(self._turn))
                    copy_button(document.markdown, "Copy the document")
                if self._as_text:
                    with tag("div", "pm-code", tabindex="0"):
                        tag("pre", content=document.markdown)
                else:
                    markdown(document.markdown)
            with tag("div", "pm-third pm-stack"), card("Budget"):
                share = min(1.0, document.tokens / query.max_tokens)
                text(f"{number(document.tokens)} of {number(query.max_tokens)} tokens", "pm-strong")
                with tag("span", "pm-share-track pm-below-small", aria_hidden="true"):
                    bar = tag("span", "pm-fill pm-c1")
                    bar.style(f"width: {share:.1%}")
                left = {name: count for name, count in document.left_out.items() if count}
                with tag("dl", "pm-facts"):
                    for name, count in left.items():
                        fact("Left out", f"{plural(count, 'entry', 'entries')} of {words_of(name)}")
                    if not left:
                        fact("Left out", "nothing")
                    fact("Knows until", when(document.as_of))
                    fact("Digest", document.digest[:12])

    async def _turn(self) -> None:
        self._as_text = not self._as_text
        await self._fill()
