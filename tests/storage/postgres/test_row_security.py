"""Row-level security, tried with raw SQL: the second lock behind the organization in every statement."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from polymem.core.errors import Unavailable
from polymem.core.filters import Sort
from polymem.core.people import Scope
from polymem.core.ports import Purge, Store
from polymem.storage import open_store
from polymem.storage.postgres.isolation import APP, OPERATOR
from tests.storage.support import changed, embedded, inserts, keep, memory, new_scope, project

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
async def store(clean_server_url: str) -> AsyncIterator[Store]:
    store = await open_store(clean_server_url)
    yield store
    await store.close()


@contextmanager
def acting_as(url: str, role: str, organization_id: str = "") -> Iterator[Connection]:
    """A transaction as the product begins it, undone in the end."""
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        connection.execute("SELECT set_config('polymem.organization', %s, true)", [organization_id])
        yield connection
        connection.rollback()


def _count(connection: Connection, table: str) -> int:
    ((count,),) = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchall()
    assert isinstance(count, int)
    return count


def with_user(url: str, user: str, database: str | None = None) -> str:
    """The same server for another login."""
    parts = conninfo_to_dict(url)
    return f"postgresql://{user}@/{database or parts['dbname']}?host={quote(str(parts['host']), safe='')}"


async def _two_organizations(store: Store) -> tuple[Scope, Scope]:
    one, other = await new_scope(store), await new_scope(store)
    for scope in (one, other):
        home = await store.put_project(scope, project(scope, "home"))
        (kept,) = await keep(store, scope, memory(scope, project=home, tags=("pet",), metadata={"room": "kitchen"}))
        await store.apply(scope, [changed(kept, content="The dog barks.", derived=embedded("The dog barks."))])
    return one, other


async def test_every_table_of_organizations_is_guarded(store: Store, clean_server_url: str) -> None:
    with psycopg.connect(clean_server_url) as connection:
        tables = connection.execute("""
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
                (SELECT array_agg(p.polname::text ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = c.oid)
            FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
            AND (c.relname = 'organizations' OR EXISTS (
                SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id'))""").fetchall()
    assert len(tables) >= 20
    for name, guarded, policies in tables:
        assert guarded, name
        assert policies == ["operator", "organization", "owner"], name


async def test_the_application_sees_the_rows_of_its_organization_alone(store: Store, clean_server_url: str) -> None:
    one, other = await _two_organizations(store)
    tables = ("memories", "memory_versions", "memory_terms", "memory_vectors", "memory_tags", "memory_metadata",
              "projects", "organizations")  # fmt: skip
    with acting_as(clean_server_url, OPERATOR) as connection:
        everything = {table: _count(connection, table) for table in tables}
    for organization in (one, other):
        with acting_as(clean_server_url, APP, organization.organization_id) as connection:
            for table in tables:
                assert 0 < _count(connection, table) * 2 == everything[table], table
    for nobody in ("", "no-such-organization"):
        with acting_as(clean_server_url, APP, nobody) as connection:
            assert {_count(connection, table) for table in tables} == {0}


async def test_a_connection_that_was_never_told_of_an_organization_sees_nothing(
    store: Store, clean_server_url: str
) -> None:
    await _two_organizations(store)
    with psycopg.connect(clean_server_url) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APP)))
        assert _count(connection, "memories") == 0


async def test_the_application_cannot_change_what_another_organization_has(store: Store, clean_server_url: str) -> None:
    one, other = await _two_organizations(store)
    with acting_as(clean_server_url, APP, one.organization_id) as connection:
        for statement in (
            "UPDATE memories SET content = 'mine' WHERE organization_id = %s",
            "DELETE FROM memories WHERE organization_id = %s",
            "UPDATE organizations SET name = 'mine' WHERE id = %s",
        ):
            assert connection.execute(statement, [other.organization_id]).rowcount == 0
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("UPDATE memories SET organization_id = %s", [other.organization_id])
    with (
        acting_as(clean_server_url, APP, one.organization_id) as connection,
        pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
    ):
        connection.execute("INSERT INTO memory_tags VALUES (%s, 'm', 'theirs')", [other.organization_id])


@pytest.mark.parametrize(
    "statement",
    [
        "SET LOCAL row_security = off; SELECT * FROM memories",
        "ALTER TABLE memories DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE memories NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY open ON memories USING (true)",
        "DROP TABLE memories",
        "TRUNCATE memories",
        "SELECT secret FROM server_secrets",
    ],
)
async def test_the_application_cannot_lift_the_guard(store: Store, clean_server_url: str, statement: str) -> None:
    await _two_organizations(store)
    with acting_as(clean_server_url, APP) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.encode())


async def test_the_application_role_is_no_way_to_the_operators(store: Store, clean_server_url: str) -> None:
    with psycopg.connect(clean_server_url, autocommit=True) as connection:
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolinherit FROM pg_roles"
            " WHERE rolname = ANY(%s)",
            [[APP, OPERATOR]],
        ).fetchall()
        assert {role[1:] for role in roles} == {(False,) * 5}
        assert len(roles) == 2
        connection.execute("DROP ROLE IF EXISTS somebody")
        connection.execute(sql.SQL("CREATE ROLE somebody LOGIN IN ROLE {}").format(sql.Identifier(APP)))
    with psycopg.connect(with_user(clean_server_url, "somebody")) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APP)))
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OPERATOR)))


async def test_settings_end_with_the_transaction(store: Store) -> None:
    scope = await new_scope(store)
    await keep(store, scope, memory(scope))
    backend = store._backend  # type: ignore[attr-defined]
    with backend._connections.take().connection as connection:
        ((role, organization),) = connection.execute(
            "SELECT current_setting('role'), coalesce(current_setting('polymem.organization', true), '')"
        ).fetchall()
    assert (role, organization) == ("none", "")


async def test_a_database_without_pgvector_says_what_is_to_be_done(server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bare WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS bare")
        connection.execute("CREATE ROLE bare LOGIN")
        connection.execute("CREATE DATABASE bare OWNER bare")
    with pytest.raises(Unavailable, match="CREATE EXTENSION vector"):
        await open_store(with_user(server_url, "bare", "bare"))


async def test_an_owner_who_may_not_make_roles_is_bound_too(server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS plain WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute("CREATE DATABASE plain OWNER plain")
    with psycopg.connect(with_user(server_url, "postgres", "plain"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    url = with_user(server_url, "plain", "plain")
    store = await open_store(url)
    one, _ = await _two_organizations(store)
    assert (await store.find(one, (), Sort(), 10, 0)).total == 1
    assert len(await store.organizations()) == 2
    (kept,) = (await store.find(one, (), Sort(), 10, 0)).items
    await store.apply(one, [Purge(kept.id)])
    await store.apply(one, inserts([memory(one)]))
    await store.close()
    with psycopg.connect(url) as connection:
        assert _count(connection, "memories") == 0
        connection.execute("SELECT set_config('polymem.organization', %s, true)", [one.organization_id])
        assert _count(connection, "memories") == 1
    again = await open_store(url)
    assert len(await again.organizations()) == 2
    await again.close()
