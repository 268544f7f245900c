"""The statements about sessions, tasks and snippets: one text for the three tables, which have the same frame.

`{table}` is the table and `{columns}`, `{values}`, `{assignments}` its columns; `{where}` is a predicate over `w` that
always holds the organization and what of it the scope reaches.
"""

FIND = """
SELECT {columns}, p.key FROM {table} w
JOIN projects p ON p.organization_id = w.organization_id AND p.id = w.project_id
WHERE {where} ORDER BY w.created_at DESC, w.id DESC LIMIT :limit OFFSET :offset"""
"""A page of what matches, newest first."""

COUNT = "SELECT count(*) FROM {table} w WHERE {where}"
"""How many match."""

LAST_CHANGE = "SELECT max(w.updated_at) FROM {table} w WHERE {where}"
"""When the last of what matches was changed."""

BATCH = """
SELECT {columns}, p.key FROM {table} w
JOIN projects p ON p.organization_id = w.organization_id AND p.id = w.project_id
WHERE {where} AND w.id > :after ORDER BY w.id LIMIT :limit"""
"""The next of what matches, by id."""

ONE = """
SELECT {columns}, p.key FROM {table} w
JOIN projects p ON p.organization_id = w.organization_id AND p.id = w.project_id
WHERE {where} AND w.id = :id"""
"""The entry of an id."""

INSERT = "INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT (organization_id, id) DO NOTHING"
"""A new entry, unless its id is taken; `organization_id` is among the columns."""

UPDATE = "UPDATE {table} AS w SET {assignments} WHERE {where} AND w.id = :id AND w.version = :expected"
"""The next state of an entry that is still at the expected version."""

DELETE = "DELETE FROM {table} AS w WHERE {where} AND w.id = :id"
"""Removes an entry."""
