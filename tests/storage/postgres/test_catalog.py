"""What the schema must keep to so that an extension such as Citus can spread tables over machines by organization.

Its rule: in a distributed table every primary key, unique key and foreign key between distributed tables holds the
distribution column. Ours is stricter: it comes first. Tables without an organization are copied whole to every machine
(reference tables), and only to those may a foreign key lead that has no organization.
"""

from collections.abc import AsyncIterator

import psycopg
import pytest

from polymem.core.ports import Store
from polymem.storage import open_store

REFERENCE = {"organizations", "users", "account_tokens", "notifications", "applications", "server_secrets"}
"""Tables of the whole server: organizations by slug, accounts, applications they let in, the server's secrets."""

LOCAL = {"alembic_version", "moves"}
"""Tables that only migrations and moves of a whole store read."""

KEYS = """
SELECT c.relname, i.relname, array_agg(a.attname::text ORDER BY k.place)
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid AND c.relnamespace = 'public'::regnamespace
JOIN pg_class i ON i.oid = x.indexrelid
CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place)
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
WHERE x.indisunique GROUP BY 1, 2"""

REFERENCES = """
SELECT f.conname, c.relname, t.relname,
    (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = f.conkey[1]),
    (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = f.confkey[1])
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class t ON t.oid = f.confrelid
WHERE f.contype = 'f' AND c.relnamespace = 'public'::regnamespace"""

TABLES = """
SELECT c.relname, EXISTS (
    SELECT 1 FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND a.attnotnull AND a.atttypid = 'text'::regtype)
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"""


@pytest.fixture
async def store(clean_server_url: str) -> AsyncIterator[Store]:
    store = await open_store(clean_server_url)
    yield store
    await store.close()


async def test_tables_without_an_organization_are_those_to_be_copied_everywhere(
    store: Store, clean_server_url: str
) -> None:
    with psycopg.connect(clean_server_url) as connection:
        tables: dict[str, bool] = dict(connection.execute(TABLES).fetchall())
    assert {name for name, distributed in tables.items() if not distributed} == REFERENCE | LOCAL


async def test_every_key_of_a_distributed_table_begins_with_the_organization(
    store: Store, clean_server_url: str
) -> None:
    with psycopg.connect(clean_server_url) as connection:
        tables: dict[str, bool] = dict(connection.execute(TABLES).fetchall())
        keys = connection.execute(KEYS).fetchall()
        foreign = connection.execute(REFERENCES).fetchall()
    with_key = {table for table, _, _ in keys}
    assert {name for name, distributed in tables.items() if distributed} <= with_key
    for table, index, columns in keys:
        if tables[table]:
            assert columns[0] == "organization_id", index
    assert len(foreign) > 20
    for name, table, target, column, target_column in foreign:
        if not tables[table]:
            assert not tables[target], f"{name}: a table that is everywhere cannot refer to one that is not"
        elif tables[target]:
            assert (column, target_column) == ("organization_id", "organization_id"), name
