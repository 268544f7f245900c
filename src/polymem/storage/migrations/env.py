"""Alembic's entry: the connection and the dialect come from `upgrade`, and so does the transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
