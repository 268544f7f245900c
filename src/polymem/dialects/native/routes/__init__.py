"""The native API's routes, a module for each resource."""

from polymem.dialects.native.routes import (
    auth,
    conflicts,
    digest,
    entrance,
    health,
    invitations,
    keys,
    me,
    memories,
    organizations,
    projects,
    recall,
    teams,
    time,
    transfer,
    work,
)

ROUTERS = (
    memories.router,
    recall.router,
    digest.router,
    time.router,
    conflicts.router,
    *work.ROUTERS,
    teams.router,
    projects.router,
    transfer.router,
    keys.router,
    auth.router,
    me.router,
    organizations.router,
    invitations.router,
    entrance.router,
    health.router,
)
"""In the order of the documentation."""
