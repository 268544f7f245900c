"""AI Memory System's routes, a module for each resource."""

from polymem.dialects.aimemory.routes import login, memories, pages, projects, work

ROUTERS = (login.router, projects.router, memories.router, work.router, pages.router)
"""In the order of the documentation."""
