"""Stores of any size, made within the database: URLs that are known, and a measured study multiplied."""

import hashlib
import random
import sqlite3
from contextlib import closing
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
from pass_start import ID, ROWS, SERIES, fill
from sqlalchemy import text

from waterbed.lab.simulate.facts import LookPlan, virtual_facts
from waterbed.lab.world.allocations import Allocations, country_csv, hosters_toml, routing_csv
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.codec import microseconds
from waterbed.model.facts import ControlLook, Observation, Report, Resolution, Target
from waterbed.store.store import Store
from waterbed.store.tables import TABLES
from waterbed.study.study import Study

MULTIPLIED = (Target, Report, Resolution, ControlLook, Observation)
SHARED = ("run_id", "suffix_id")
"""Ids that copies have in common with the study that they are copies of."""


def know(store: Store, known: int, now: datetime) -> None:
    """So many URLs that are reported, sealed and known, each on a host of its own, and not due within the hour.

    Their ids are in order, which is quick to make and lies closer together than what is imported.
    """
    fill(store, known, now)
    kind = "sqlite" if store.sqlite else "postgresql"
    url, site = ID[kind].format("e"), ID[kind].format("d")
    target = (
        "INSERT INTO target (url_id, host_id, site_id, label_id, path_id, spelling, suffix_list, added_at) "
        f"{SERIES[kind]}SELECT {url}, {site}, {site}, {site}, {url}, '1', '1', :at FROM n"
    )
    report = (
        "INSERT INTO report (report_id, url_id, source, category, reported_at, received_at) "
        f"{SERIES[kind]}SELECT {url}, {url}, 'benchmark', 'phishing', :at, :at FROM n"
    )
    for first in range(0, known, ROWS):
        values = {"first": first, "last": min(first + ROWS, known), "at": microseconds(now - timedelta(days=90))}
        for statement in (target, report):
            with store.writing(256) as connection:
                connection.execute(text(statement), values)


def happened(sites: int, seed: int) -> Truth:
    """Twenty days of a world with so many sites."""
    world = read_world(scenario_path("waterbed"))
    its = msgspec.structs.replace(world.sites, count=sites, reported_over_days=(0.0, 10.0), big_site=10)
    acts = tuple(msgspec.structs.replace(one, day=10.0) for one in world.intervention)
    return simulate(msgspec.structs.replace(world, seed=seed, days=20.0, sites=its, intervention=acts))


def record(study: Study, truth: Truth, seed: int) -> None:
    """What a study of it would have on record, and the tables that say who answers."""
    seen = virtual_facts(truth, LookPlan(every_hours=4.0, late_hours=24.0), random.Random(seed))
    facts: list[Any] = [*seen.targets.values(), *seen.reports, *seen.controls.values(), *seen.resolutions.values()]
    study.folder.store.add([*facts, *seen.looks, *seen.canaries])
    made = study.folder.path / "lab-tables"
    made.mkdir()
    for day in Allocations(truth.world).days():
        moment = datetime.combine(day, time.max, truth.world.start.tzinfo)
        for kind, said in (("routes", routing_csv), ("places", country_csv)):
            path = made / f"{kind}-{day.isoformat()}.csv"
            path.write_text(said(truth.world, moment=moment))
            study.add_table(path, day, kind=kind)
    (made / "hosters.toml").write_text(hosters_toml(truth.world))
    study.set_hosters(made / "hosters.toml")


def multiply(store: Store, times: int) -> None:
    """Copies of all that is on record, each with ids of its own: as many URLs more, on the same hosters."""
    kind = "sqlite" if store.sqlite else "postgresql"
    for cls in MULTIPLIED:
        table = TABLES[cls]
        its = store.count(cls)
        names = list(table.c.keys())
        cells = [f"md5({name} || ':' || i)" if name.endswith("_id") and name not in SHARED else name for name in names]
        statement = (
            f"INSERT INTO {table.name} ({', '.join(names)}) {SERIES[kind]}SELECT {', '.join(cells)} "
            f"FROM n, {table.name} WHERE length({table.primary_key.columns[0].name}) < 32"
        )
        at_once = max(1, ROWS // max(its, 1))
        for first in range(1, times, at_once):
            with store.writing(256) as connection:
                if store.sqlite:
                    driver: Any = connection.connection.driver_connection
                    driver.create_function("md5", 1, _md5, deterministic=True)
                connection.execute(text(statement), {"first": first, "last": min(first + at_once, times)})


def _md5(value: str | None) -> str | None:
    """PostgreSQL's function of that name: ids of copies are as hard to compress as keyed ids."""
    return None if value is None else hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def size_of(store: Store, folder: Path) -> int:
    """Bytes that a store takes on disk, its log aside."""
    if store.sqlite:
        with closing(sqlite3.connect(folder / "waterbed.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return (folder / "waterbed.db").stat().st_size
    with store.reading() as connection:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
