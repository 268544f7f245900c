"""SelfMemory's endpoints, by resource."""

from polymem.dialects.selfmemory.routes import health, memories, sdk

ROUTERS = (memories.router, sdk.router)
OPEN_ROUTERS = (health.router,)
