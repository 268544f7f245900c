"""Finding, and understanding what was found: why each memory has its rank, and why another one is not there."""

from collections.abc import Mapping
from contextlib import suppress

from nicegui import ui

from polymem.core.errors import InvalidInput, NotFound
from polymem.core.filters import ContainsText
from polymem.core.model import Memory
from polymem.core.ranking import Mode, Ranked
from polymem.core.recall import Hit, Recalled, RecallQuery, Stage, WhyNot
from polymem.dashboard.parts.elements import attempt, badge, button, card, empty, heading, link, tag, text
from polymem.dashboard.parts.wording import address_of, number, plural, short, title_of, words_of
from polymem.dashboard.visit import Visit

_HITS = 20
_OFFERED = 8
_SNIPPET_CHARACTERS = 320
_MODES = {Mode.HYBRID: "Meaning and words", Mode.VECTOR: "Meaning", Mode.KEYWORD: "Words"}
_FACTORS = {
    "base": "Before anything speaks for it",
    "meaning": "Meaning, with its conversation",
    "words": "Words, with its conversation",
    "tokens": "Token by token, with its conversation",
    "own_meaning": "Its own meaning",
    "own_words": "Its own words",
    "own_tokens": "Its own text, token by token",
    "coverage": "Share of the query's words",
    "date": "The date the query names",
    "trust": "Trust",
    "few": "There are only a few memories",
    "speaker": "The speaker the query names",
    "question": "It is a question itself",
    "length": "Length",
}
_STAGES = (
    (Stage.FORGOTTEN, "Not forgotten"),
    (Stage.EXPIRED, "Not expired"),
    (Stage.SUPERSEDED, "Not replaced"),
    (Stage.FILTER, "Admitted by the filter"),
    (Stage.CANDIDATES, "Matches by meaning or words"),
    (Stage.FLOOR, "Relevant enough"),
    (Stage.PAGE, "On this page"),
)


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Search", "What an agent would be given, and why.")
    await _Search(visit, dict(ui.context.client.request.query_params)).draw()


class _Search:
    # The query, and the elements that show its answer.

    def __init__(self, visit: Visit, asked: Mapping[str, str]) -> None:
        self._visit = visit
        self._text = asked.get("q", "").strip()
        mode = asked.get("mode", "")
        self._mode = Mode(mode) if mode in set(Mode) else Mode.HYBRID
        self._replaced = "replaced" in asked
        self._expired = "expired" in asked

    def _query(self) -> RecallQuery:
        # A person's look is no use by an agent.
        return RecallQuery(
            text=self._text,
            mode=self._mode,
            limit=_HITS,
            superseded=self._replaced,
            expired=self._expired,
            record_access=False,
        )

    async def draw(self) -> None:
        self._draw_form()
        if not self._text:
            examples = ["Where does Ana start?", "decisions about the database", "what happened in May"]
            box = empty("manage_search", "Ask as an agent would", "Whole questions work, and so do single words.")
            with box, tag("div", "pm-actions"):
                for example in examples:
                    link(example, self._visit.path(f"/search?q={example.replace(' ', '+')}"), "pm-chip")
            return
        scope = await self._visit.scope()
        self._recalled = await self._visit.core.recall(scope, self._query())
        with tag("div", "pm-grid"):
            with tag("div", "pm-two-thirds"):
                _draw_answer(self._visit, self._recalled)
            with tag("div", "pm-third"), card("Why is it not there?"):
                self._draw_why_not()

    def _draw_form(self) -> None:
        with tag("form", "pm-card pm-search-form", action=self._visit.path("/search"), method="get", role="search"):
            tag(
                "input",
                "pm-query",
                name="q",
                type="search",
                value=self._text,
                aria_label="Question",
                placeholder="Ask, or name a word",
                maxlength="2000",
                autocomplete="off",
            )
            tag("button", "pm-submit", content="Search", type="submit")
            tag("span", "pm-break")
            with tag("label", "pm-choice"):
                text("Find by", name="span")
                with tag("select", name="mode"):
                    for mode, label in _MODES.items():
                        option = tag("option", content=label, value=mode.value)
                        if mode is self._mode:
                            option.props["selected"] = "selected"
            for name, label, chosen in (
                ("replaced", "replaced too", self._replaced),
                ("expired", "expired too", self._expired),
            ):
                with tag("label", "pm-choice"):
                    box = tag("input", type="checkbox", name=name, value="yes")
                    if chosen:
                        box.props["checked"] = "checked"
                    text(label, name="span")

    def _draw_why_not(self) -> None:
        text("Name a memory you expected, and see which step lost it.", "pm-soft", "p")
        with tag("form", "pm-why-form") as form:
            field = ui.input("A word of it, or its id").props("outlined dense maxlength=500")
            button("Look", kind="main").props("type=submit")
        found = tag("div", role="status")

        async def look() -> None:
            memories = await self._named(str(field.value or "").strip())
            found.clear()
            with found:
                if not memories:
                    text("No memory has that in its text.", "pm-soft", "p")
                for memory in memories:
                    button(
                        short(title_of(memory), 60),
                        attempt(lambda id=memory.id: explain(id)),
                    ).classes("pm-pick")

        async def explain(memory_id: str) -> None:
            visit = self._visit
            scope = await visit.scope()
            memory = await visit.core.memories.get(scope, memory_id, hidden=True)
            why = await visit.core.recall.why_not(scope, self._query(), memory_id)
            found.clear()
            with found:
                _draw_reason(visit, memory, why)

        form.on("submit.prevent", attempt(look))

    async def _named(self, named: str) -> list[Memory]:
        if not named:
            raise InvalidInput("Give a word of the memory, or its id")
        visit = self._visit
        scope = await visit.scope()
        with suppress(NotFound):
            return [await visit.core.memories.get(scope, named, hidden=True)]
        page = await visit.core.memories.find(scope, (ContainsText(named),), limit=_OFFERED, hidden=True)
        return list(page.items)


def _draw_answer(visit: Visit, recalled: Recalled) -> None:
    with tag("p", "pm-soft pm-below-small", role="status"):
        told = f"{plural(recalled.matched, 'memory matches', 'memories match')} of {number(recalled.considered)}"
        if recalled.without_vector:
            told += f"; {number(recalled.without_vector)} could be found by words only"
        tag("span", content=told)
    if not recalled.hits:
        empty(
            "search_off",
            "Nothing relevant",
            "Nothing is better than something that has nothing to do with it. Other words may find more, "
            "and the box beside tells why a memory is not here.",
        )
        return
    with tag("ol", "pm-hits"):
        for hit in recalled.hits:
            _draw_hit(visit, hit)


def _draw_hit(visit: Visit, hit: Hit) -> None:
    memory = hit.memory
    snippet = short(memory.content, _SNIPPET_CHARACTERS)
    with tag("li", "pm-card pm-hit"):
        with tag("div", "pm-hit-head"):
            text(str(hit.rank), "pm-rank", "span")
            address = visit.path(address_of(memory.id))
            if memory.title:
                link(title_of(memory), address, "pm-link pm-hit-title")
            else:
                link(snippet or "(blank)", address, "pm-link pm-hit-title pm-plain-text")
            text(f"{hit.score:.2f}", "pm-score", "span").props["title"] = "Score, 0 to 1"
        if memory.title:
            text(snippet, "pm-snippet")
        with tag("div", "pm-tags"):
            badge(memory.kind, "pm-badge-accent")
            if memory.project:
                badge(memory.project)
            for one in memory.tags[:6]:
                badge(one)
        with tag("details", "pm-why"):
            tag("summary", content="Why this rank")
            _draw_factors(hit.why)


def _draw_factors(why: Ranked) -> None:
    candidate = why.candidate
    factors = why.factors
    largest = max((abs(value) for value in factors.values()), default=1.0) or 1.0
    with tag("ul", "pm-factors"):
        for index, (name, value) in enumerate(factors.items()):
            with tag("li"):
                text(_FACTORS.get(name, words_of(name)), name="span")
                with tag("span", "pm-share-track", aria_hidden="true"):
                    tag("span", f"pm-fill {'pm-minus' if value < 0 else f'pm-c{index % 8 + 1}'}").style(
                        f"width:{100 * abs(value) / largest:.1f}%"
                    )
                text(f"{value:+.3f}", "pm-number", "span")
    ranks = [
        f"number {number(rank)} by {leg}"
        for leg, rank in (("meaning", candidate.dense_rank), ("words", candidate.keyword_rank))
        if rank is not None
    ]
    text(f"Sum {why.total:.3f}. " + (f"Alone it is {' and '.join(ranks)}." if ranks else ""), "pm-soft", "p")


def _draw_reason(visit: Visit, memory: Memory, why: WhyNot) -> None:
    link(title_of(memory), visit.path(address_of(memory.id)))
    lost = why.stage
    stages = [stage for stage, _ in _STAGES]
    stop = stages.index(lost) if lost in stages else len(stages)
    with tag("ol", "pm-stages"):
        for index, (_, label) in enumerate(_STAGES):
            state = "pm-passed" if index < stop else "pm-lost" if index == stop else "pm-unasked"
            with tag("li", state):
                ui.icon("check" if index < stop else "close" if index == stop else "remove")
                text(label, name="span")
    text(why.sentence, "pm-strong", "p")
    if why.remedy:
        text(f"To bring it back: {why.remedy}.", name="p")
    if why.ranked is not None:
        _draw_factors(why.ranked)
