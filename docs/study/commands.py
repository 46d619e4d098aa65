"""The study's path through the command line: protocol, dumps as they came, quarantine, how long entries are listed."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from listings import DUMPS, SOURCE, Listings, Mask, rows, runs_of

HERE = Path(__file__).parent
WINDOW = range(131, 136)
"""Dumps that are imported one after the other: two before the empty one, itself, and two after it."""
OK, FINDING = 0, 1
_IMPORTED = re.compile(r"([\d,]+) reports? imported, ([\d,]+) already known, ([\d,]+) lines? rejected")
_LOCKED = re.compile(r"SHA-256 ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Runs `waterbed` on one study whose keys lie beside it."""

    folder: Path

    def __call__(self, *words: object) -> str:
        """What a command prints; RuntimeError if it neither did its work nor found something."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WATERBED_")}
        done = subprocess.run(
            [Path(sys.executable).with_name("waterbed"), *map(str, words)],
            env={**kept, "XDG_CONFIG_HOME": str(self.folder / "keys"), "COLUMNS": "160"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (OK, FINDING) or not done.stdout:
            raise RuntimeError(f"waterbed {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def on(self, *words: object) -> str:
        """The same on the study."""
        return self("-C", self.folder / "study", *words)

    def table(self, *words: object) -> dict[str, Any]:
        """A table of the study, with its envelope."""
        found: dict[str, Any] = json.loads(self.on(*words, "--format", "json"))
        return found


def walk(data: Path, listings: Listings, private: Path) -> dict[str, Any]:
    """Take the study through the commands in a private folder; what they printed, as numbers."""
    waterbed = Terminal(folder=private)
    waterbed("init", private / "study")
    shutil.copy(HERE / "study.toml", private / "study")
    waterbed.on("protocol", "check")
    locked = _LOCKED.search(waterbed.on("protocol", "lock"))
    imported = list(_imports(data, listings, private, waterbed))
    held = waterbed.table("quarantine", "list")["rows"]
    for one in held:
        waterbed.on("quarantine", "void", one["quarantine_id"], "--reason", "the dump held no line")
    shutil.copy(data / DUMPS, private / "dumps.csv")
    everyone = np.ones(len(listings.entries), dtype=bool)
    cards = {
        "new": _card(waterbed, listings, listings.new, "--midpoint"),
        "all": _card(waterbed, listings, everyone, "--midpoint"),
        "all_ignoring_entry": _card(waterbed, listings, everyone, "--midpoint", "--ignore-entry"),
    }
    return {
        "protocol_sha256": locked[1] if locked else None,
        "imports": imported,
        "quarantines": [{key: one[key] for key in ("kind", "looked", "flipped", "status")} for one in held],
        "cards": cards,
    }


def _imports(data: Path, listings: Listings, private: Path, waterbed: Terminal) -> Iterator[dict[str, Any]]:
    """Import each dump of the window as a file of its own, in order."""
    _write_dumps(data, private)
    for number in WINDOW:
        said = _IMPORTED.search(waterbed.on("import", private / f"dump-{number}.csv", "--source", SOURCE))
        if said is None:
            raise RuntimeError(f"waterbed import did not say what became of dump {number}")
        counts = [int(count.replace(",", "")) for count in said.groups()]
        yield {
            "dump": number,
            "day": f"{listings.dumps[number].received:%Y-%m-%d}",
            **dict(zip(("imported", "known", "rejected"), counts, strict=True)),
        }


def _write_dumps(data: Path, private: Path) -> None:
    """The dumps of the window as reports files: the entries that each held."""
    with ExitStack() as opened:
        tables = {}
        for number in WINDOW:
            file = opened.enter_context((private / f"dump-{number}.csv").open("w", newline="", encoding="utf-8"))
            tables[number] = csv.writer(file)
            tables[number].writerow(["url", "submission_time"])
        for row in rows(data):
            runs = runs_of(row["present"])
            for number, table in tables.items():
                if any(first <= number <= last for first, last in runs):
                    table.writerow([row["url"], row["submission_time"]])


def _card(waterbed: Terminal, listings: Listings, which: Mask, *switches: str) -> dict[str, Any]:
    """How long the chosen entries were listed, as `waterbed sources --presence` tells."""
    presence = waterbed.folder / "presence.csv"
    with presence.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["entered", "first_listed", "last_listed"])
        for one in listings.presence(which):
            first = one.first_listed.isoformat() if one.first_listed else ""
            table.writerow([one.entered.isoformat(), first, one.last_listed.isoformat()])
    files = ("--presence", presence, "--deliveries", waterbed.folder / "dumps.csv", "--source", SOURCE)
    told = waterbed.table("sources", *files, *switches)
    card = told["rows"][0]
    return {
        "median_low_d": card["listed_median_low_d"],
        "median_high_d": card["listed_median_high_d"],
        "retention_day": card["retention_day"],
        "suspect": card["suspect"],
        "protocol": told["protocol"].partition(";")[0],
        "deviations": len(told["deviations"]),
    }
