"""The dashboard: web pages over the core, for people who want to see, search and correct what is remembered.

    dashboard = Dashboard(core, options)     # an ASGI application for the paths it `owns`
    await dashboard.close()

Pages are drawn by NiceGUI, which is slow to import: it is loaded with the first request, or earlier by `open`.
"""

from polymem.dashboard.door import Dashboard
from polymem.dashboard.options import DashboardOptions

__all__ = ["Dashboard", "DashboardOptions"]
