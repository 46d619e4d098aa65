"""A campaign of many studies that goes on where it stopped, on this machine or another."""

import argparse
import gc
import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from math import sqrt
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

Key = tuple[Any, ...]
Row = dict[str, Any]


def resumed(
    wanted: Sequence[Key],
    work: Callable[[Key], Row],
    results: Path,
    *,
    names: Sequence[str],
    workers: int,
    chunk: int = 4,
) -> dict[Key, Row]:
    """The rows of all studies; those in the results file are not made again.

    `names` are the fields of a row that make its key. A torn last line is made again.
    """
    have = made(results, names)
    torn = results.exists() and not results.read_text().endswith("\n")
    with (
        results.open("a") as out,
        ProcessPoolExecutor(workers, get_context("spawn"), initializer=_collect_rarely) as pool,
    ):
        if torn:
            out.write("\n")
        for row in pool.map(work, [one for one in wanted if one not in have], chunksize=chunk):
            have[key_of(row, names)] = row
            out.write(json.dumps(row) + "\n")
            out.flush()
    return {one: have[one] for one in wanted}


def _collect_rarely() -> None:
    """Of a study's many facts hardly one is in a cycle."""
    gc.set_threshold(2_000_000, 50, 100)


def made(results: Path, names: Sequence[str]) -> dict[Key, Row]:
    """The whole rows of a results file, by key."""
    have = {}
    for line in results.read_text().splitlines() if results.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # a torn last line
        have[key_of(row, names)] = row
    return have


def key_of(row: Mapping[str, Any], names: Sequence[str]) -> Key:
    """The key of a row."""
    return tuple(row[name] for name in names)


@dataclass(slots=True)
class Tally:
    """Figures of a cell's studies: of each, how many have it, their sum, and that of their squares."""

    studies: int = 0
    sums: dict[str, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0, 0.0, 0.0]))

    def add(self, other: "Tally") -> None:
        """Add the studies of another seed."""
        self.studies += other.studies
        for name, parts in other.sums.items():
            self.sums[name] = [a + b for a, b in zip(self.sums[name], parts, strict=True)]

    def n(self, name: str) -> int:
        """The studies that have a figure."""
        return int(self.sums[name][0])

    def total(self, name: str) -> float:
        """The sum of a figure."""
        return self.sums[name][1]

    def mean(self, name: str) -> float:
        """A figure's mean; 0 if no study has it."""
        return self.total(name) / max(1, self.n(name))

    def error(self, name: str) -> float:
        """The standard error of a mean, which is never 0."""
        n = max(1, self.n(name))
        variance = max(0.0, self.sums[name][2] / n - self.mean(name) ** 2)
        return max(sqrt(variance), sqrt(1 / (4 * n))) / sqrt(n)


def tallied(rows: Sequence[Mapping[str, float]]) -> Tally:
    """The tally of studies, each with the figures that it has."""
    made = Tally(studies=len(rows))
    for row in rows:
        for name, value in row.items():
            made.sums[name] = [a + b for a, b in zip(made.sums[name], (1, value, value * value), strict=True)]
    return made


def pooled(cells: Mapping[Key, Tally], seed: int, sums: Path | None) -> dict[Key, Tally]:
    """Tallies over all seeds of the file `sums`, which then holds those of this seed, too.

    A line of it is a cell and a seed; one of this seed counts if it has more studies than were made now.
    """
    lines = [json.loads(line) for line in sums.read_text().splitlines()] if sums and sums.exists() else []
    kept = {(tuple(line["cell"]), line["seed"]): line for line in lines}
    for cell, tally in cells.items():
        if tally.studies > kept.get((cell, seed), {"studies": 0})["studies"]:
            rounded = {name: [round(part, 6) for part in parts] for name, parts in sorted(tally.sums.items())}
            kept[cell, seed] = {"cell": cell, "seed": seed, "studies": tally.studies, "sums": rounded}
    if sums:
        sums.write_text("".join(json.dumps(kept[key]) + "\n" for key in sorted(kept)))
    found: dict[Key, Tally] = {cell: Tally() for cell in cells}
    for (cell, _), line in kept.items():
        one = Tally(studies=line["studies"])
        one.sums.update(line["sums"])
        found.setdefault(cell, Tally()).add(one)
    return found


def mean_error(values: Sequence[float]) -> tuple[float, float]:
    """A mean and its standard error, which is never 0."""
    n = len(values)
    return fmean(values), max(pstdev(values), sqrt(1 / (4 * n))) / sqrt(n)


def asked(parser: argparse.ArgumentParser, *, studies: int, seed: int, results: str) -> None:
    """Add the options that every campaign has."""
    parser.add_argument("--studies", type=int, default=studies)
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=Path(results), help="resumed if it is there")
    parser.add_argument("--sums", type=Path, help="file of sums by cell and seed: all its seeds are reported together")
