"""MEMANTO's routes, a module for each part of the reference."""

from polymem.dialects.memanto.routes import (
    agents,
    answers,
    context,
    judging,
    memories,
    recall,
    server,
    sessions,
    temporal,
    upkeep,
)

ROUTERS = (
    agents.router,
    sessions.keys,
    sessions.open_to_both,
    sessions.router,
    memories.router,
    recall.router,
    answers.router,
    temporal.router,
    judging.router,
    context.router,
    upkeep.router,
)
"""What lives below /api/v2, in the order of the documentation."""

OPEN_ROUTERS = (server.router,)
"""What needs no key."""
