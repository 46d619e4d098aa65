"""Invented looks by the million: URLs that stay, go, move, come back, rotate and hide, in the order of recording."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from graphs.episodes_sql import ATTRS, CAUSES, KNOWN

LOOKS_EACH = 50
ANSWERS = 20_000
HOSTERS = 400
HOUR = 3_600_000_000
BEGIN = 1_767_225_600_000_000

COURSES = {
    "stays": 0.20,
    "goes": 0.49,
    "gone": 0.08,
    "moves": 0.08,
    "hides": 0.03,
    "renamed": 0.02,
    "returns": 0.06,
    "rotates": 0.04,
}
"""Share of URLs by what becomes of them."""

Ints = npt.NDArray[np.int64]


def until(days: float = 60.0) -> int:
    """The end of the measurement: four hours before the last possible look."""
    return BEGIN + round((days * 24 - 4) * HOUR)


def make(folder: Path, looks: int, seed: int = 7) -> dict[str, Path]:
    """Write looks, known and attrs as Parquet files; give their paths."""
    rng = np.random.default_rng(seed)
    urls = looks // LOOKS_EACH
    course = rng.choice(len(COURSES), urls, p=list(COURSES.values())).astype(np.int8)
    start = BEGIN + (rng.random(urls) * 40 * 24 * HOUR).astype(np.int64)
    paths = {name: folder / f"{name}.parquet" for name in ("looks", "known", "attrs")}
    _write_looks(paths["looks"], rng, course, start)
    reports = pa.ListArray.from_arrays(np.arange(urls + 1, dtype=np.int32), start - HOUR)
    known = {"url": np.arange(urls), "known_up_at": start - HOUR, "reports": reports}
    pq.write_table(pa.table(known, schema=KNOWN), paths["known"])
    pq.write_table(_attrs(), paths["attrs"])
    return paths


def _write_looks(path: Path, rng: np.random.Generator, course: npt.NDArray[np.int8], start: Ints) -> None:
    urls = course.size
    url = np.repeat(np.arange(urls, dtype=np.int32), LOOKS_EACH)
    number = np.tile(np.arange(LOOKS_EACH, dtype=np.int8), urls)
    # Looks become rarer with time.
    wait = np.cumsum(np.linspace(0.5, 16.0, LOOKS_EACH) * HOUR).astype(np.int64)
    seen_at = np.repeat(start, LOOKS_EACH) + np.tile(wait, urls) + rng.integers(0, 600_000_000, url.size)
    turn = np.repeat(rng.integers(3, LOOKS_EACH - 8, urls, dtype=np.int8), LOOKS_EACH)
    what = np.repeat(course, LOOKS_EACH)
    before = np.repeat(rng.integers(0, ANSWERS // 2, urls, dtype=np.int32), LOOKS_EACH)
    name = list(COURSES).index
    after = number >= turn
    down = (
        ((what == name("goes")) & after)
        | (what == name("gone"))
        | ((what == name("moves")) & (number >= turn + 6))
        | ((what == name("returns")) & after & (number < turn + 4))
    )
    attr = before.copy()
    elsewhere = np.isin(what, [name("moves"), name("hides"), name("renamed")]) & after
    attr[elsewhere] += ANSWERS // 2
    swap = (what == name("rotates")) & (rng.random(url.size) < 0.5)
    attr[swap] = (before[swap] + 1) % (ANSWERS // 2)
    unknown = ~down & (rng.random(url.size) < 0.05)
    order = np.argsort(seen_at, kind="stable")
    states = pa.DictionaryArray.from_arrays(
        np.where(down, 1, np.where(unknown, 2, 0)).astype(np.int8)[order], ["up", "down", "unknown"]
    )
    cause = pa.array(np.full(url.size, CAUSES.index("removed"), dtype=np.int8), mask=~down[order])
    columns = {
        "url": url[order],
        "seq": np.arange(url.size),
        "seen_at": seen_at[order],
        "state": states.cast(pa.string()),
        "down": down[order],
        "cause": cause,
        "attr": attr[order],
    }
    pq.write_table(pa.table(columns), path, row_group_size=1_000_000)


def _attrs() -> pa.Table:
    """Answer n and its elsewhere n + half: another hoster, a proxy, or another hoster of the same address."""
    half = ANSWERS // 2
    rows = []
    for n in range(ANSWERS):
        hoster = f"hoster-{n % HOSTERS if n < half else (n * 7 + 1) % HOSTERS}"
        proxy = n >= half and n % 5 == 0
        address = f"28.{n % half // 250}.{n % 250}.1" if n < half or n % 5 == 1 else f"29.{n // 250}.{n % 250}.1"
        hosters = [hoster, "hoster-beside"] if n < half and n % 20 == 0 else [hoster]
        addresses = [address, f"30.{n // 250}.{n % 250}.1"] if len(hosters) > 1 else [address]
        row = {"attr": n, "hosters": hosters, "proxy": proxy, "addresses": addresses, "address_hosters": hosters}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=ATTRS)
