"""How others speak to polymem: REST APIs over one core, each in a folder of its own."""

from polymem.dialects.dialect import Dialect

DIALECTS: tuple[Dialect, ...] = ()
"""Every dialect there is. A new one is one folder and one line here."""
