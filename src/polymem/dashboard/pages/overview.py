"""What is remembered, at a glance."""

from polymem.dashboard.parts.elements import card, empty, heading, tag, text
from polymem.dashboard.visit import Visit


async def build(visit: Visit) -> None:
    """Draw the page."""
    heading("Overview", "What your agents remember.")
    stats = await visit.core.stats(await visit.scope())
    if not stats.memories:
        line = f"""curl {visit.server}/v1/memories -d '{{"content": "Ana flies from Lisbon."}}'"""
        empty("auto_stories", "Nothing is remembered yet", "Keep a first memory, and it appears here at once.", [line])
        return
    with card("Memories"), tag("p"):
        text(str(stats.memories))
