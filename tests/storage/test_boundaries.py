"""What the storage package promises about itself."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import polymem
from polymem.core.ports import Store
from polymem.storage import backlog_statements, postgres, sqlite, statements, time_statements
from polymem.storage.migrations import CURRENT
from polymem.storage.postgres import connection as on_a_server
from polymem.storage.sqlite import connection as in_a_file
from tests.storage.conftest import Raw

PACKAGE = Path(polymem.__file__).parent
STORAGE = PACKAGE / "storage"


def test_only_the_two_database_packages_know_which_database_it_is() -> None:
    own = {STORAGE / "sqlite", STORAGE / "postgres"}
    for file in STORAGE.rglob("*.py"):
        if own.isdisjoint(file.parents) and file != STORAGE / "__init__.py":
            assert not re.search("sqlite|postgres|psycopg", file.read_text(), re.IGNORECASE), file


def test_nothing_outside_storage_imports_a_database_driver() -> None:
    for file in PACKAGE.rglob("*.py"):
        if STORAGE not in file.parents:
            assert not re.search(
                r"^\s*(import|from) (sqlite3|psycopg|sqlalchemy|alembic)", file.read_text(), re.MULTILINE
            )


def test_what_both_databases_need_is_in_files_of_the_same_names() -> None:
    for folder in ("sqlite", "postgres"):
        names = {file.name for file in (STORAGE / folder).glob("*.py")}
        assert names >= {"__init__.py", "backend.py", "connection.py", "upgrade.py"}
    assert hasattr(sqlite, "open_sqlite")
    assert hasattr(postgres, "open_postgres")


STATEMENTS = [statements, time_statements, backlog_statements]


@pytest.mark.parametrize("module", STATEMENTS)
def test_every_statement_has_a_name_and_a_sentence(module: ModuleType) -> None:
    body = ast.parse(Path(str(module.__file__)).read_text()).body
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            name = node.targets[0].id
            if name.startswith("_"):
                continue
            told = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            assert told, f"{name} has no sentence"


@pytest.mark.parametrize("module", STATEMENTS)
def test_every_statement_names_the_organization_or_says_whom_it_serves(module: ModuleType) -> None:
    whole = {"INSERT_ORGANIZATION", "ORGANIZATION_BY_SLUG", "ORGANIZATION_BY_ID", "ORGANIZATIONS", "KEYS_BY_PREFIX"}
    whole |= {"PENDING", "COUNT_PENDING", "DELETE_OTHER_VECTORS", "ALIVE", "ADVANCE", "LAST_SEQ", "REPAIR_LAST_SEQ"}
    # Batches to embed are the operator's, as long as nobody has one.
    whole |= {"LEFT", "CHANGES", "IS_UNPLANNED", "PLAN", "TRY_AGAIN", "DROP_OTHERS", "IS_FREE", "FREE"}
    for name, statement in vars(module).items():
        if not name.isupper() or name.startswith("_") or not isinstance(statement, str) or name in whole:
            continue
        if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", statement):
            assert "{where}" in statement or ":organization_id" in statement, name


def test_the_schema_named_is_the_newest_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(CURRENT.scripts))
    tree = ScriptDirectory.from_config(config)
    assert tree.get_heads() == [CURRENT.revision]
    revisions = [script.revision for script in tree.walk_revisions()]
    assert revisions == [f"{number:04}" for number in range(len(revisions), 0, -1)]


OF_AN_ORGANIZATION = {
    "agent_sessions", "agents", "api_keys", "audit_entries", "conflicts", "idempotency", "invitations",
    "memberships", "memories", "memory_metadata", "memory_tags", "memory_terms", "memory_vectors",
    "memory_versions", "project_memberships", "projects", "recall_counts", "snippets", "tasks", "tombstones",
    "work_sessions",
}  # fmt: skip
"""Whatever else there will be, these are there; new ones are held to the same rule."""


async def test_the_organization_comes_first_in_every_primary_key(store: Store, raw: Raw, location: str) -> None:
    # An account can be of several organizations: its own rows begin with it. The server's own belong to none.
    accounts = {"users", "account_tokens", "notifications"}
    server = {"alembic_version", "applications", "moves", "server_secrets"}
    tables = set(raw.tables()) - {"organizations"} - accounts - server
    assert tables >= OF_AN_ORGANIZATION
    for table in tables:
        if "://" in location:
            ((definition,),) = raw.run(
                f"SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                f" WHERE conrelid = '{table}'::regclass AND contype = 'p'"
            )
            assert re.match(r"PRIMARY KEY \(organization_id\b", definition)
        else:
            key = {row[5]: row[1] for row in raw.run(f"PRAGMA table_info({table})") if row[5]}
            assert key[1] == "organization_id", table


def test_opening_what_is_up_to_date_does_not_load_the_migration_tool(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from polymem.storage import open_store\n"
        "async def main():\n"
        "    store = await open_store(sys.argv[1])\n"
        "    await store.ping()\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
        "print(sorted({'alembic', 'sqlalchemy', 'psycopg', 'mako'} & set(sys.modules)))\n"
    )

    def loaded() -> str:
        command = [sys.executable, "-c", script, str(tmp_path)]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout

    assert "alembic" in loaded()
    assert loaded() == "[]\n"


def test_placeholders_become_those_of_each_driver() -> None:
    statement = "SELECT '%' FROM t WHERE a = :a AND b IN (:b...) AND c = CAST(:c_1 AS text)"
    assert on_a_server.native(statement) == (
        "SELECT '%%' FROM t WHERE a = %(a)s AND b = ANY (CAST(%(b)s AS text[])) AND c = CAST(%(c_1)s AS text)"
    )
    assert in_a_file.native(statement) == (
        "SELECT '%' FROM t WHERE a = :a AND b IN (SELECT value FROM json_each(:b)) AND c = CAST(:c_1 AS text)",
        ("b",),
    )
