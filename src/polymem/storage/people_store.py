"""`SqlPeople`: keeps people in any database that has a `Backend`. It is `core.ports_people.PeopleStore`."""

from polymem.storage.backend import Backend


class SqlPeople:
    """The people of a store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
