"""SelfMemory's endpoints, by resource."""

from polymem.dialects.selfmemory.routes import health, memories, organizations, people, projects, sdk

# In this order: /api/invitations/pending is no token.
ROUTERS = (memories.router, organizations.router, projects.router, people.router, sdk.router)
OPEN_ROUTERS = (people.open_router, health.router)
