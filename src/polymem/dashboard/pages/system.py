"""The system: version, store, model, sizes, what waits to be done, and how often something may be asked."""

from polymem.core.people import PrincipalKind
from polymem.dashboard.parts.elements import card, fact, heading, link, tag, text
from polymem.dashboard.parts.live import follow
from polymem.dashboard.parts.wording import number, plural, size
from polymem.dashboard.visit import Visit


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("System", "What runs here, and how it is.")
    body = tag("div")

    async def draw() -> None:
        stats = await visit.core.stats(await visit.whole())
        principal = await visit.again()
        body.clear()
        with body, tag("div", "pm-grid"):
            with tag("div", "pm-half"), card("Server"), tag("dl", "pm-facts"):
                fact("Version", visit.options.version)
                fact("Address", visit.server)
                fact("Sign-in", "not needed on this machine" if visit.options.local else "needed by everybody")
                for name, value in visit.options.limits.items():
                    fact(f"{name} a minute", number(value) if value else "no limit")
            with tag("div", "pm-half"), card("Store"), tag("dl", "pm-facts"):
                fact("Kind", "PostgreSQL" if visit.options.storage_kind == "postgresql" else "SQLite")
                if principal.kind is PrincipalKind.LOCAL:
                    fact("Directory", visit.options.data_dir)
                fact("Size", size(stats.bytes_on_disk))
                fact("Memories", number(stats.memories))
                fact("In the trash", number(stats.forgotten))
                fact("Expired", number(stats.expired))
                fact("Replaced", number(stats.superseded))
            with tag("div", "pm-half"), card("Model"):
                with tag("dl", "pm-facts"):
                    fact("Name", visit.core.embedder.model.name if visit.core.embedder.model else "none: words only")
                    fact("Waiting for a vector", number(stats.without_vector))
                if stats.without_vector:
                    waiting = plural(stats.without_vector, "memory is", "memories are")
                    text(f"{waiting} found by words only until `polymem reindex` has run.", "pm-soft", "p")
            with tag("div", "pm-half"), card("For programs"), tag("ul", "pm-plain"):
                for told, path in (
                    ("API documentation", "/docs"),
                    ("Metrics for Prometheus", "/metrics"),
                    ("Health", "/health"),
                ):
                    with tag("li"):
                        link(told, visit.path(path))

    await draw()
    await follow(visit, draw)
