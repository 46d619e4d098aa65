"""Looks to episodes to hops at scale, each by its SQL text; and both definitions of hops on the lab's scenarios."""

import argparse
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
from episodes_world import make, until
from figures import Figure, tell

from graphs.episodes import EpisodeRules
from graphs.episodes_sql import CAUSES, episode_rows
from graphs.hops import HopContext, find_hops
from graphs.hops_sql import ANSWERS, CONTENTS, REDIRECTS, SEATS, hop_rows, set_hops
from waterbed.lab.run import run_world
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.model.conclusions import Episode
from waterbed.study.study import open_study

START = datetime(1970, 1, 1, tzinfo=UTC)
SCENARIOS = ("quiet", "waterbed", "outage", "soft404", "attribution", "hostile")
COUNTRIES = ("NL", "DE", "RU", "US", "BZ")
CHECKED = 5_000
"""Contents whose hops are compared with the pure definition's."""
LARGE = 10_000
"""URLs of the one large content."""


def _moment(value: int | None) -> datetime | None:
    return None if value is None else START + timedelta(microseconds=value)


def contents(urls: int, seed: int = 11) -> pa.Table:
    """Contents of one URL to a few dozen, and one of many; names of one label under several suffixes."""
    rng = np.random.default_rng(seed)
    sizes = rng.geometric(0.3, urls)
    content = np.repeat(np.arange(urls), sizes)[:urls]
    large = min(LARGE, urls // 10)
    content[rng.choice(urls, large, replace=False)] = urls
    columns = {
        "url": np.arange(urls),
        "content": content,
        "label": rng.integers(0, urls, urls) // 2,
        "site": rng.integers(0, urls, urls),
    }
    return pa.table(columns, schema=CONTENTS)


def answers(attrs: pa.Table) -> pa.Table:
    """The answers of the world of episodes, with networks and countries."""
    rows = [
        {
            "attr": row["attr"],
            "proxy": row["proxy"],
            "addresses": row["addresses"],
            "prefixes": [f"{row['addresses'][0].rpartition('.')[0]}.0/24"],
            "origins": [64_500 + sum(map(ord, row["hosters"][0])) % 90],
            "countries": [COUNTRIES[sum(map(ord, row["hosters"][0])) % len(COUNTRIES)]],
        }
        for row in attrs.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=ANSWERS)


def reference(folder: Path, urls: int) -> dict[str, pa.Table]:
    """All tables of hops but the episodes."""
    attrs = pq.read_table(folder / "attrs.parquet")
    hosters = sorted({hoster for row in attrs["hosters"].to_pylist() for hoster in row})
    seats = [{"hoster": hoster, "country": COUNTRIES[n % len(COUNTRIES)]} for n, hoster in enumerate(hosters)]
    table, chance = contents(urls), random.Random(5)
    by_content: dict[int, int] = {}
    redirects = []
    for url, content in zip(table["url"].to_pylist(), table["content"].to_pylist(), strict=True):
        if content in by_content and content < urls and chance.random() < 0.05:
            redirects.append({"old_url": by_content[content], "new_url": url})
        by_content[content] = url
    return {
        "contents": table,
        "attrs": answers(attrs),
        "seats": pa.Table.from_pylist(seats, schema=SEATS),
        "redirects": pa.Table.from_pylist(redirects, schema=REDIRECTS),
    }


def at_scale(looks: int, rounds: int, memory_mb: int) -> bool:
    """Print the times of both steps; say whether the checked hops are the pure definition's."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        paths = make(folder, looks)
        rules = EpisodeRules(leave_looks=2, until=START + timedelta(microseconds=until()))
        tables = reference(folder, pq.read_metadata(paths["known"]).num_rows)
        took: dict[str, list[float]] = {"episodes": [], "hops": []}
        for _ in range(rounds):
            began = time.perf_counter()
            found = episode_rows(dict(paths), rules, folder=folder, memory_mb=memory_mb)
            took["episodes"].append(time.perf_counter() - began)
            found = found.append_column("ep", pa.array(np.arange(found.num_rows)))
            began = time.perf_counter()
            hops = hop_rows({"episodes": found, **tables}, "NL", folder=folder, memory_mb=memory_mb)
            took["hops"].append(time.perf_counter() - began)
        print(f"{looks:,} looks, {found.num_rows:,} episodes, {hops.num_rows:,} hops; medians of {rounds} rounds")
        for name, seconds in took.items():
            print(f"{name:10} {statistics.median(seconds):7.2f} s ({min(seconds):.2f}-{max(seconds):.2f})")
        mine, theirs = (statistics.median(took[name]) for name in ("hops", "episodes"))
        tell(
            Figure(
                work="hops of episodes, beside the episodes",
                ours=mine,
                peer=theirs,
                peer_name="our episodes of the same looks",
                unit="s",
                value=mine / theirs,
                bound="at most",
                target=2.0,
            )
        )
        return equal(found, hops, tables)


def equal(episodes: pa.Table, hops: pa.Table, tables: dict[str, pa.Table]) -> bool:
    """Whether the first contents and the large one have the hops that the pure definition gives them."""
    where = {row["url"]: row for row in tables["contents"].to_pylist()}
    large = max(row["content"] for row in where.values())
    wanted = {url for url, row in where.items() if row["content"] < CHECKED or row["content"] == large}
    old = set(tables["redirects"]["new_url"].to_pylist())
    attrs = {row["attr"]: row for row in tables["attrs"].to_pylist()}
    made = {row["ep"]: _episode(row, where, attrs) for row in episodes.to_pylist() if row["url"] in wanted}
    labels = {f"{url:09}": str(row["label"]) for url, row in where.items()}
    seats = {row["hoster"]: row["country"] for row in tables["seats"].to_pylist()}
    began = time.perf_counter()
    pure = find_hops(made.values(), HopContext(home="NL", seats=seats, labels=labels))
    took = time.perf_counter() - began
    theirs = sorted(
        (h.from_url_id, h.to_url_id, h.from_hoster, h.to_hoster, h.kind, h.order, h.levels, h.sources, h.arrived_before)
        for h in pure
        if int(h.to_url_id) not in old
    )
    ours = []
    for row in hops.to_pylist():
        if row["ep"] in made and int(made[row["ep"]].url_id) not in old:
            a, b = made[row["left_ep"]], made[row["ep"]]
            ends = a.url_id, b.url_id, a.hoster, b.hoster
            ours.append((*ends, row["kind"], row["order"], tuple(row["levels"]), row["sources"], b.known_up_at))
    same = sorted(ours) == theirs
    most = sum(row["content"] == large for row in where.values())
    verdict = "equal to" if same else "DIFFERENT from"
    print(f"{len(made):,} episodes, one content of {most:,} URLs among them: {len(theirs):,} hops,")
    print(f"{verdict} the pure definition's, which took {took:.2f} s")
    return same and bool(theirs)


def _episode(row: dict, where: dict[int, dict], attrs: dict[int, dict]) -> Episode:
    its, answer = where[row["url"]], attrs[row["attr"]]
    times = {name: _moment(row[name]) for name in ("known_up_at", "absent_at", "first_up", "last_up", "first_down")}
    return Episode(
        url_id=f"{row['url']:09}",
        content_id=str(its["content"]),
        site_id=str(its["site"]),
        hoster=row["hoster"],
        hosters=(row["hoster"],),
        **{name: tuple(answer[name]) for name in ("origins", "countries", "addresses", "prefixes")},
        proxy=answer["proxy"],
        reported_at=None,
        cause=None if row["cause"] is None else CAUSES[row["cause"]],
        looks=row["looks"],
        unknown_looks=row["unknown_looks"],
        **times,
    )


def agree(name: str, folder: Path) -> bool:
    """Measure one scenario, unless it was; say whether both definitions give the same hops."""
    if not (folder / name).exists():
        run_world(read_world(scenario_path(name)), folder / name, lambda *_: None)
    with open_study(folder / name) as study:
        made = study.conclude()
        found = set_hops(made.episodes, made.frame, folder=folder)
        pure = find_hops(made.episodes, made.frame)
    pure.sort(key=lambda hop: (hop.content_id, hop.arrived_before, hop.to_url_id, hop.to_hoster))
    print(f"{name}: {len(pure):,} hops, {'equal' if found == pure else 'DIFFERENT'}", flush=True)
    return found == pure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-mb", type=int, default=6_000, help="the engine's own bound; beyond, it spills")
    parser.add_argument("--scenarios", nargs="*", help=f"in place of that, scenarios of the lab: {' '.join(SCENARIOS)}")
    parser.add_argument("--folder", type=Path, help="where measured scenarios lie, or are to lie")
    options = parser.parse_args()
    if options.scenarios is None:
        return 0 if at_scale(options.looks, options.rounds, options.memory_mb) else 3
    with tempfile.TemporaryDirectory() as made:
        agreed = [agree(name, options.folder or Path(made)) for name in options.scenarios or SCENARIOS]
    return 0 if all(agreed) else 3


if __name__ == "__main__":
    sys.exit(main())
