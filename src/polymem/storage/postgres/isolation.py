"""Row-level security: a transaction of one organization cannot touch another's rows, whatever its statements say.

Every table with an organization has three policies. The first lets everybody at the rows of the organization named by
the setting `polymem.organization`, and so at none while there is none. The second opens all rows to the role
`polymem_operator`; the third does so to the tables' owner, while the setting `polymem.every_organization` is on.
Security is forced, so it binds the owner too.

A transaction begins by taking the role `polymem_app`, or `polymem_operator` if it is one of the few that serve the
operator or look a credential up. Neither owns anything, may log in or can lift the security, and the first is not a
member of the second. Where the login may not make roles (an owner of one database, say), both kinds of transactions
run as the owner, whom the policies bind just as well. A login that stands above row-level security, as superusers do,
can always make the roles.
"""

from typing import LiteralString

import psycopg
from psycopg import errors, sql

from polymem.storage.backend import Everyone, Row, Tenant

APP = "polymem_app"
OPERATOR = "polymem_operator"

_ROLES = (APP, OPERATOR)

ENTER_AS_ROLE: LiteralString = """
SELECT set_config('role', %(role)s, true), set_config('polymem.organization', %(organization)s, true)"""
"""Begins a transaction of one organization, or of all, in the role for it; ends with the transaction."""

ENTER: LiteralString = """
SELECT set_config('polymem.every_organization', %(every)s, true),
    set_config('polymem.organization', %(organization)s, true)"""
"""The same where there are no roles."""

_TENANT_TABLES: LiteralString = """
SELECT c.relname, a.attname FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END
ORDER BY c.relname"""
"""The tables that hold organizations' rows, and the column that says whose a row is."""

_SECURED: LiteralString = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relrowsecurity AND c.relforcerowsecurity
AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'organization')
AND (%(roles)s = EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'operator'))"""
"""The tables that row-level security guards already."""


_OWNS: LiteralString = """
SELECT bool_and(pg_has_role(c.relowner, 'USAGE')) FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"""
"""Whether the login owns all tables."""

_UNGRANTED: LiteralString = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
AND NOT has_table_privilege(%(role)s, c.oid, 'SELECT')"""
"""The tables a role cannot read."""


def has_roles(connection: "psycopg.Connection[Row]") -> bool:
    """Whether this login can take both roles."""
    query: LiteralString = "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(oid, %s)"
    # Since 16, whoever makes a role is its member without being able to take it.
    taken = "SET" if _tells_members_apart(connection) else "MEMBER"
    ((count,),) = connection.execute(query, [list(_ROLES), taken]).fetchall()
    return bool(count == len(_ROLES))


def _tells_members_apart(connection: "psycopg.Connection[Row]") -> bool:
    return connection.info.server_version >= 16_00_00


def enter(connection: "psycopg.Connection[Row]", tenant: Tenant, *, roles: bool) -> None:
    """Begins a transaction that reaches so far."""
    every = isinstance(tenant, Everyone)
    organization = "" if isinstance(tenant, Everyone) else tenant
    if roles:
        connection.execute(ENTER_AS_ROLE, {"role": OPERATOR if every else APP, "organization": organization})
    else:
        connection.execute(ENTER, {"every": "on" if every else "off", "organization": organization})


def see_everything(connection: "psycopg.Connection[Row]") -> None:
    """Lets the owner at all rows until the transaction ends: a migration changes everybody's."""
    connection.execute(ENTER, {"every": "on", "organization": ""})


def secure(connection: "psycopg.Connection[Row]") -> None:
    """Guards every table that is not guarded yet, so that those of new migrations need no thought of their own.

    Does nothing for a login that does not own the tables. The caller sees to it that one process does this at a time.
    """
    with connection.transaction():
        ((owns,),) = connection.execute(_OWNS).fetchall()
        if not owns:
            return
        roles = has_roles(connection) or _make_roles(connection)
        tables: dict[str, str] = dict(connection.execute(_TENANT_TABLES).fetchall())
        secured = {name for (name,) in connection.execute(_SECURED, {"roles": roles}).fetchall()}
        for name, column in tables.items():
            if name not in secured:
                _guard(connection, name, column, roles)
        if roles and connection.execute(_UNGRANTED, {"role": OPERATOR}).fetchall():
            _grant(connection)


def _make_roles(connection: "psycopg.Connection[Row]") -> bool:
    # Whether this login can take them now. Roles belong to the whole server: another database may be making them, too.
    for name in _ROLES:
        role = sql.Identifier(name)
        try:
            with connection.transaction():
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchall():
                    connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(role))
        except (errors.DuplicateObject, errors.UniqueViolation):
            pass
        except errors.InsufficientPrivilege:
            return False
        try:
            with connection.transaction():
                how = "GRANT {} TO CURRENT_USER"
                if _tells_members_apart(connection):
                    how += " WITH INHERIT FALSE, SET TRUE"
                connection.execute(sql.SQL(how).format(role))
        except errors.InsufficientPrivilege:
            return False
    return has_roles(connection)


def _guard(connection: "psycopg.Connection[Row]", name: str, column: str, roles: bool) -> None:
    table = sql.Identifier(name)
    own = sql.SQL("{} = current_setting('polymem.organization', true)").format(sql.Identifier(column))
    for change in ("ENABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY"):
        connection.execute(sql.SQL("ALTER TABLE {} " + change).format(table))
    for policy in ("organization", "operator", "owner"):
        connection.execute(sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(policy), table))
    connection.execute(sql.SQL("CREATE POLICY organization ON {} USING ({})").format(table, own))
    if roles:
        statement = sql.SQL("CREATE POLICY operator ON {} TO {} USING (true)")
        connection.execute(statement.format(table, sql.Identifier(OPERATOR)))
    every = sql.SQL("current_setting('polymem.every_organization', true) = 'on'")
    connection.execute(sql.SQL("CREATE POLICY owner ON {} TO CURRENT_USER USING ({})").format(table, every))


def _grant(connection: "psycopg.Connection[Row]") -> None:
    # The rows, and nothing that changes tables. The server's own secrets are the operator's alone.
    ((schema,),) = connection.execute("SELECT current_schema()").fetchall()
    both = sql.SQL(", ").join(map(sql.Identifier, _ROLES))
    for statement in (
        "GRANT USAGE ON SCHEMA {schema} TO {both}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {both}",
        "REVOKE ALL ON server_secrets FROM {app}",
        "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {both}",
    ):
        connection.execute(sql.SQL(statement).format(schema=sql.Identifier(schema), both=both, app=sql.Identifier(APP)))
