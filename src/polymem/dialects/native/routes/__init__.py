"""The native API's routes, a module for each resource."""

from polymem.dialects.native.routes import conflicts, health, keys, memories, projects, recall, time, transfer, work

ROUTERS = (
    memories.router,
    recall.router,
    time.router,
    conflicts.router,
    *work.ROUTERS,
    projects.router,
    transfer.router,
    keys.router,
    health.router,
)
"""In the order of the documentation."""
