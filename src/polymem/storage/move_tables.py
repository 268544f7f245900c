"""What a move has to know of a table: its columns, its key, and the statements that read, write and empty it."""

from dataclasses import dataclass

ORGANIZATION = "organization_id"


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose `key` is unique; `by_organization` says that its key begins with the organization."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    by_organization: bool

    @property
    def order(self) -> tuple[str, ...]:
        """The columns its rows are read in the order of: those of one organization, or all."""
        return self.key[1:] if self.by_organization else self.key

    def page(self, *, begins: bool) -> str:
        """The statement that reads the next rows: from the first, or after `:after_0`, `:after_1`, …"""
        conditions = [f"{ORGANIZATION} = :owner"] if self.by_organization else []
        order = ", ".join(self.order)
        if not begins and self.order:
            after = ", ".join(f":after_{n}" for n in range(len(self.order)))
            conditions.append(f"({order}) > ({after})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        ordered = f" ORDER BY {order}" if order else ""
        return f"SELECT {', '.join(self.columns)} FROM {self.name}{where}{ordered} LIMIT :limit"

    @property
    def insert(self) -> str:
        """The statement that keeps a row."""
        return (
            f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({', '.join(f':{c}' for c in self.columns)})"
        )

    @property
    def delete(self) -> str:
        """The statement that removes an organization's rows, or all."""
        return f"DELETE FROM {self.name}" + (f" WHERE {ORGANIZATION} = :owner" if self.by_organization else "")
