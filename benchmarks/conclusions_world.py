"""Studies of any number of looks in a messy world, written by SQL as sealed days of a lake.

A fifth of the URLs have a new length at each look, a fifth have addresses that rotate, a twentieth are looked at from
two vantage points, controls are renewed each 12 hours, and each look has a resolution of its own. Hosters remove at
paces of their own; some content comes back, some names move. What is random is a hash of the URL's number: the same
each time.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import pyarrow.parquet as pq

from waterbed.model.codec import microseconds, moment
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Report, Resolution, Target
from waterbed.store.config import Config
from waterbed.store.lake.kinds import PRUNABLE, SEALED, schema_of, stamp
from waterbed.store.lake.lake import changing
from waterbed.store.lake.manifest import Day
from waterbed.store.tables import table_name
from waterbed.study.study import Study, create_study

START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTERS = 200
DAY = 86_400_000_000
_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Messy:
    """How much there is."""

    looks: int
    looks_a_url: int = 100
    reported_over_days: int = 60

    @property
    def urls(self) -> int:
        """How many URLs so many looks are of."""
        return max(1, int(self.looks / (self.looks_a_url * 1.05)))

    @property
    def days(self) -> int:
        """The days that the study takes."""
        return self.reported_over_days + 2 + self.looks_a_url // 4 + 2


def _random(what: str, salt: str) -> str:
    """SQL of a number from 0 to 9,999 that is the same each time for one thing."""
    return f"(hash({what}, '{salt}') % 10000)"


_URLS = f"""
CREATE TABLE url AS
SELECT n, substr(md5('u' || n), 1, 24) AS url_id, substr(md5('h' || n // 2), 1, 24) AS host_id,
  substr(md5('s' || n // 2), 1, 24) AS site_id, substr(md5('p' || n), 1, 24) AS path_id,
  ({_random("n", "reported")} * $days * 8640000 + n % 1000000)::BIGINT AS reported,
  {_random("n // 2", "hoster")} * {_random("n // 2", "size")} // 500000 AS hoster,
  {_random("n", "length")} < 2000 AS new_lengths, {_random("n // 2", "rotates")} < 2000 AS rotates,
  {_random("n", "vantages")} < 500 AS two_vantages,
  {_random("n", "stays")} < 3000 AS stays, {_random("n", "back")} < 1000 AS comes_back,
  {_random("n // 2", "moves")} < 700 AS moves,
  -ln(({_random("n", "life")} + 1) / 10001.0) * (6 + 2 * ({_random("n // 2", "hoster")} * {_random("n // 2", "size")}
    // 500000)) * {_HOUR} AS life
FROM range($urls) t(n);
CREATE TABLE look AS
SELECT k, least(k, 48) * {_HOUR}::BIGINT + greatest(k - 48, 0) * {6 * _HOUR}::BIGINT AS off
FROM range($looks) t(k);
"""

_LOOKS = f"""
CREATE OR REPLACE TEMP TABLE seen AS
SELECT *, seen_at - $start::BIGINT - reported AS age,
  CASE WHEN moves AND seen_at - $start::BIGINT - reported > life THEN (hoster + 7) % {HOSTERS} ELSE hoster END AS there,
  NOT stays AND NOT moves AND seen_at - $start::BIGINT - reported > life
    AND NOT (comes_back AND seen_at - $start::BIGINT - reported > life + {48 * _HOUR}) AS gone,
  {_random("n || ':' || k", "failure")} AS chance
FROM (
  SELECT *, ($start::BIGINT + reported + off + {_random("n || ':' || k", "when")} * 60000 + v * 30000000)::BIGINT
    AS seen_at
  FROM url, look, (VALUES (0), (1)) t(v)
  WHERE (v = 0 OR two_vantages) AND reported + off BETWEEN ($day - 1) * {DAY} AND ($day + 1) * {DAY}
) WHERE seen_at >= $start + $day * {DAY} AND seen_at < $start + ($day + 1) * {DAY};
CREATE OR REPLACE TEMP TABLE placed AS
SELECT *, '10.' || there || '.' || (hash(n // 2, there) % 250) || '.' AS net,
  substr(md5('r' || n || ':' || k || ':' || v), 1, 24) AS resolution,
  substr(md5('c' || n // 2 || ':' || v || ':' || seen_at // {12 * _HOUR}), 1, 24) AS control,
  CASE WHEN rotates THEN hash(n, k) % 4 ELSE 0 END AS turn
FROM seen;
"""

_OBSERVATION = """
SELECT substr(md5('l' || n || ':' || k || ':' || v), 1, 24) AS observation_id, url_id, 'run' AS run_id,
  'v' || v AS vantage, make_timestamp(seen_at) AS scheduled_at, make_timestamp(seen_at) AS observed_at,
  resolution AS resolution_id,
  'headers' AS profile, CASE WHEN chance < 100 THEN NULL ELSE 'HEAD' END AS method, net || turn AS address, 80 AS port,
  CASE WHEN chance < 100 THEN 'connect' ELSE 'http' END AS phase,
  CASE WHEN chance < 100 THEN 'timeout' END AS failure,
  CASE WHEN chance < 100 THEN NULL WHEN chance < 200 THEN 503 WHEN gone THEN 404 ELSE 200 END AS status,
  CASE WHEN chance >= 200 THEN 'text/html' END AS media_type,
  CASE WHEN chance < 200 THEN NULL WHEN gone THEN 500 WHEN new_lengths THEN 1000 + hash(n, k) % 100000
    ELSE 1000 + n % 5000 END AS content_length,
  CASE WHEN chance >= 200 AND NOT gone AND NOT new_lengths AND n % 3 = 0 THEN substr(md5('e' || n), 1, 24) END
    AS etag_id,
  NULL AS last_modified_id, 'nginx' AS server, []::VARCHAR[] AS marks, NULL AS redirect, NULL AS redirect_url_id,
  NULL AS redirect_site_id, 0 AS steps, NULL AS retry_after_s, NULL AS tls_version, NULL AS tls_problem,
  NULL AS certificate_id, NULL AS public_key_id, CASE WHEN chance >= 100 THEN control END AS control_id,
  600 AS bytes_read, 20.0 AS connect_ms, 20.0 AS head_ms, 'n' || v AS network, NULL AS head_status, NULL AS link_check,
  NULL AS link_exists, NULL AS title_id, NULL AS page_id, NULL AS page_bytes, NULL AS authenticated, NULL AS tls_trust,
  NULL AS certificate_from, NULL AS agent_id
FROM placed
"""
_RESOLUTION = """
SELECT resolution AS resolution_id, any_value(host_id) AS host_id, 'run' AS run_id, 'v' || any_value(v) AS vantage,
  'ok' AS status, [any_value(net || turn)] AS addresses, []::VARCHAR[] AS cname_ids, 300 AS ttl_s, []::BIGINT[] AS ede,
  'r' AS resolver, make_timestamp(any_value(seen_at)) AS resolved_at,
  [substr(md5('ns' || any_value(there)), 1, 24)] AS name_server_ids, NULL AS name_servers_at, []::VARCHAR[] AS tags
FROM placed GROUP BY resolution
"""
_CONTROL = """
SELECT control AS control_id, any_value(host_id) AS host_id, 'run' AS run_id, 'v' || any_value(v) AS vantage,
  make_timestamp(min(seen_at)) AS observed_at, NULL AS failure, 404 AS status, 'text/html' AS media_type,
  500 AS content_length, NULL AS etag_id, NULL AS redirect, NULL AS redirect_site_id, []::VARCHAR[] AS unstable,
  substr(md5('f' || any_value(n // 2)), 1, 24) AS place_id
FROM placed WHERE control NOT IN (SELECT * FROM known_control) GROUP BY control
"""
_CANARY = f"""
SELECT 'c' || $day || ':' || i || v AS canary_id, 'run' AS run_id, 'v' || v AS vantage,
  make_timestamp(($start::BIGINT + $day * {DAY} + i * 240000000)::BIGINT) AS observed_at, 4 AS targets, 4 AS reached
FROM range(360) t(i), (VALUES (0), (1)) u(v)
"""
_SQL = {Observation: _OBSERVATION, Resolution: _RESOLUTION, ControlLook: _CONTROL, CanaryLook: _CANARY}


def write_study(path: Path, messy: Messy) -> Study:
    """Make a study whose looks are all sealed and pruned, with routes and places."""
    config = Config(study=os.urandom(16).hex(), home="NL")
    study = create_study(path, config)
    folder = study.folder
    with duckdb.connect() as sql:
        given = {"urls": messy.urls, "days": messy.reported_over_days, "looks": messy.looks_a_url}
        for statement in filter(str.strip, _URLS.split(";")):
            sql.execute(statement, {name: value for name, value in given.items() if f"${name}" in statement})
        sql.execute("CREATE TABLE known_control (id VARCHAR)")
        with changing(folder) as lake:
            manifest, changes = lake.begin(), {}
            for day in range(messy.days + 1):
                for cls, day_on, file in _files(sql, day, path):
                    if cls is not None:
                        its = lake.put(cls, day_on, file, _span(cls, file))
                        changes[table_name(cls), day_on] = Day(files=(its,), pruned=True)
            lake.commit(manifest.changed(changes))
        targets, reports = _reported(sql)
    folder.store.add([*targets, *reports])
    end = START + timedelta(days=messy.days)
    for kind, text in (("routes", _routes()), ("places", _places())):
        table = path / f"{kind}.csv"
        table.write_text(text)
        study.add_table(table, START.date(), kind=kind)
    folder.clock = lambda: end
    return study


def _files(sql: duckdb.DuckDBPyConnection, day: int, path: Path) -> Iterator[tuple[type, date, Path]]:
    given = {"start": microseconds(START), "day": day}
    for statement in filter(str.strip, _LOOKS.split(";")):
        sql.execute(statement, {name: value for name, value in given.items() if f"${name}" in statement})
    for cls in PRUNABLE:
        text = _SQL[cls]
        order = ", ".join(stamp(cls))
        made = sql.sql(
            f"SELECT * FROM ({text}) ORDER BY {order}",
            params={name: value for name, value in given.items() if f"${name}" in text},
        ).to_arrow_table()
        schema = schema_of(cls)
        made = made.select(schema.names)
        arrays = [
            column.cast("timestamp[us]").cast(field.type)
            if str(field.type).startswith("timestamp")
            else column.cast(field.type)
            for column, field in zip(made.columns, schema, strict=True)
        ]
        table = type(made).from_arrays(arrays, schema=schema)
        if cls is ControlLook:
            sql.register("new_control", table.select(["control_id"]))
            sql.execute("INSERT INTO known_control SELECT control_id FROM new_control")
        if table.num_rows:
            file = path / f"made-{table_name(cls)}.parquet"
            pq.write_table(table, file, compression="zstd", write_page_checksum=True)
            yield cls, START.date() + timedelta(days=day), file


def _span(cls: type, file: Path) -> tuple[int, int]:
    when = pq.read_table(file, columns=[SEALED[cls]]).column(0).cast("int64").to_numpy()
    return int(when.min()), int(when.max())


def _reported(sql: duckdb.DuckDBPyConnection) -> tuple[list[Target], list[Report]]:
    targets, reports = [], []
    for n, url, host, site, path, reported in sql.execute(
        "SELECT n, url_id, host_id, site_id, path_id, reported FROM url ORDER BY n"
    ).fetchall():
        when = moment(microseconds(START) + int(reported))
        targets.append(
            Target(
                url_id=url, host_id=host, site_id=site, label_id=site, path_id=path, suffix_id=None,
                spelling="1", suffix_list="1",
                added_at=when,
            )
        )  # fmt: skip
        reports.append(
            Report(
                report_id=f"r{n}", url_id=url, source="hotline", category="abuse", site_type=None, commercial=None,
                assessed_illegal=None, verified_at=None, content_id=None, reported_at=when, received_at=when,
            )
        )  # fmt: skip
    return targets, reports


def _routes() -> str:
    return "".join(f"10.{n}.0.0,10.{n}.255.255,{64500 + n},Hoster {n}\n" for n in range(HOSTERS))


def _places() -> str:
    return "".join(f"10.{n}.0.0,10.{n}.255.255,{'NL' if n % 3 else 'DE'}\n" for n in range(HOSTERS))
