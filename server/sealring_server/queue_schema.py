"""The tables of the queue of jobs on PostgreSQL: procrastinate's own, of the edition that the lock file names."""

from importlib.resources import files
from typing import Final

PREFIX: Final = "procrastinate_"


def queue_schema() -> str:
    """The statements that make the queue in an empty database (docs/decisions/0017)."""
    return (files("procrastinate") / "sql" / "schema.sql").read_text("utf-8")


WITHOUT_QUEUE: Final = """
DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers CASCADE;
DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status CASCADE;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = current_schema() AND p.proname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE 'DROP FUNCTION ' || one.name || ' CASCADE';
    END LOOP;
END $$
"""
"""The statements that remove it, with whatever was waiting: each job is due again by itself."""
