"""How others speak to polymem: REST APIs over one core, each in a folder of its own."""

from polymem.dialects import aimemory, memanto, mememory, memento, native, selfmemory
from polymem.dialects.dialect import Dialect, DialectOptions

__all__ = ["DIALECTS", "Dialect", "DialectOptions"]

DIALECTS: tuple[Dialect, ...] = (
    native.DIALECT,
    memento.DIALECT,
    aimemory.DIALECT,
    mememory.DIALECT,
    memanto.DIALECT,
    selfmemory.DIALECT,
)
"""Every dialect there is. A new one is one folder and one line here."""
