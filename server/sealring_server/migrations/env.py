"""What Alembic runs for each migration: in the transaction that `run.py` has begun, and nowhere else."""

from alembic import context

from sealring_server.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
