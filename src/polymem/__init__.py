"""polymem, a self-hosted memory server for AI agents.

One core keeps memories and finds them again; REST dialects, a command line and a Python client are doors into it.
Importing this package does nothing but make its version known.
"""

__version__ = "0.1.0"
