"""Who stands next to whom: the order of the memories within each conversation.

A conversation is all memories of one project (or of none) that carry the same container, ordered by when what
they tell happened (or else was recorded) and then by arrival. The order depends on nothing else, so memories
that arrive one by one, in any order, end up linked exactly as in one batch.
"""

from collections.abc import Sequence

import numpy as np

from polymem.storage.search.columns import NO_CODE, NO_INSTANT, Bools, Columns, Rows

_LOOP_BELOW = 48
"""Up to this many new rows are linked one by one; more are sorted together."""

_LONGEST_WALK = 64
"""Links followed back from a conversation's end before its members are searched at once."""


class Conversations:
    """Keeps the links `columns.previous` and `columns.following`; remembers the last row of each conversation.

    Readers follow links while they are being changed: at worst they see a neighbour too few or one that is
    not in their snapshot yet.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def link(self, columns: Columns, alive: Bools, rows: Sequence[int]) -> None:
        """Put new rows, in ascending order and the last there are, into their conversations."""
        if len(rows) > _LOOP_BELOW:
            self._link_together(columns, alive, np.asarray(rows, np.intp))
            return
        for row in rows:
            conversation = int(columns.conversation[row])
            if conversation == NO_CODE:
                continue
            before, after = self._place(columns, alive, row, self._last.get(conversation, -1))
            columns.previous[row], columns.following[row] = before, after
            if before >= 0:
                columns.following[before] = row
            if after >= 0:
                columns.previous[after] = row
            else:
                self._last[conversation] = row

    def unlink(self, columns: Columns, row: int) -> None:
        """Take a row out: its neighbours become each other's. Its own links stay, for readers under way."""
        conversation = int(columns.conversation[row])
        if conversation == NO_CODE:
            return
        before, after = int(columns.previous[row]), int(columns.following[row])
        if before >= 0:
            columns.following[before] = after
        if after >= 0:
            columns.previous[after] = before
        elif before >= 0:
            self._last[conversation] = before
        else:
            self._last.pop(conversation, None)

    @staticmethod
    def _place(columns: Columns, alive: Bools, row: int, last: int) -> tuple[int, int]:
        """Between which two rows of its conversation `row` belongs, -1 where there is none."""
        key = _key(columns, row)
        before, after = last, -1
        for _ in range(_LONGEST_WALK):
            if before < 0 or _key(columns, before) <= key:
                return before, after
            before, after = int(columns.previous[before]), before
        members = np.flatnonzero(alive[:row] & (columns.conversation[:row] == columns.conversation[row]))
        instants, arrivals = columns.instants(members), columns.arrival[members]
        order = np.lexsort((arrivals, instants))
        place = int(np.count_nonzero((instants < key[0]) | ((instants == key[0]) & (arrivals <= key[1]))))
        members = members[order]
        before = int(members[place - 1]) if place else -1
        return before, int(members[place]) if place < len(members) else -1

    def _link_together(self, columns: Columns, alive: Bools, rows: Rows) -> None:
        """Sort all members of the conversations that `rows` belong to, in one go."""
        size = int(rows[-1]) + 1
        conversations = columns.conversation[:size]
        touched = np.zeros(int(conversations.max()) + 2, np.bool_)
        touched[conversations[rows]] = True
        touched[NO_CODE] = False
        members = np.flatnonzero(alive[:size] & touched[conversations])
        if not len(members):
            return
        order = np.lexsort((columns.arrival[members], columns.instants(members), conversations[members]))
        members = members[order]
        joined = conversations[members[1:]] == conversations[members[:-1]]
        columns.previous[members[0]] = columns.following[members[-1]] = -1
        columns.previous[members[1:]] = np.where(joined, members[:-1], -1)
        columns.following[members[:-1]] = np.where(joined, members[1:], -1)
        ends = members[np.append(~joined, True)]
        self._last.update(zip(conversations[ends].tolist(), ends.tolist(), strict=True))


def _key(columns: Columns, row: int) -> tuple[int, int]:
    occurred = int(columns.occurred_at[row])
    return (int(columns.created_at[row]) if occurred == NO_INSTANT else occurred, int(columns.arrival[row]))
