"""What to try first: lines for empty pages."""

from polymem.dashboard.visit import Visit


def first_command(visit: Visit) -> str:
    """A line for a terminal that keeps a memory."""
    key = "" if visit.options.local else " -H 'Authorization: Bearer KEY'"
    return f"""curl {visit.server}/v1/memories{key} -d '{{"content": "Ana flies from Lisbon."}}'"""
