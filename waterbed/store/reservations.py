"""Networks that one run alone may visit, on PostgreSQL."""

from collections.abc import Collection

from sqlalchemy import text

from waterbed.store.database import failures_told
from waterbed.store.store import Store

# Whoever takes or gives back several does so in the order of names: no two wait for each other in a circle. Only a run
# that lives takes any, and it is not buried meanwhile.
_CLAIM = text("""
    WITH alive AS (SELECT run_id FROM beat WHERE run_id = :run_id FOR KEY SHARE),
    taken AS (
        INSERT INTO reserved (network, run_id)
        SELECT asked.network, alive.run_id FROM alive, unnest(CAST(:networks AS text[])) AS asked (network)
        WHERE NOT EXISTS (SELECT FROM reserved AS held WHERE held.network = asked.network)
        ORDER BY asked.network
        ON CONFLICT (network) DO NOTHING
        RETURNING network
    )
    SELECT network FROM taken
    UNION SELECT network FROM reserved WHERE run_id = :run_id AND network = ANY(CAST(:networks AS text[]))
""")
_GIVE_BACK = text("""
    DELETE FROM reserved USING (
        SELECT network FROM reserved WHERE run_id = :run_id AND network = ANY(CAST(:networks AS text[]))
        ORDER BY network FOR UPDATE
    ) AS mine WHERE reserved.network = mine.network
""")


def claim(store: Store, run_id: str, networks: Collection[str]) -> set[str]:
    """Take networks for a run, in one statement; those are returned that it has now."""
    with failures_told(), store.engine.connect() as connection:
        own = connection.execution_options(isolation_level="AUTOCOMMIT")
        return set(own.scalars(_CLAIM, {"run_id": run_id, "networks": sorted(networks)}))


def give_back(store: Store, run_id: str, networks: Collection[str]) -> None:
    """Let others visit networks that a run had, in one statement."""
    with failures_told(), store.engine.connect() as connection:
        own = connection.execution_options(isolation_level="AUTOCOMMIT")
        own.execute(_GIVE_BACK, {"run_id": run_id, "networks": sorted(networks)})
