"""A campaign of many studies that goes on where it stopped."""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
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
    with results.open("a") as out, ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        if torn:
            out.write("\n")
        for row in pool.map(work, [one for one in wanted if one not in have], chunksize=chunk):
            have[key_of(row, names)] = row
            out.write(json.dumps(row) + "\n")
            out.flush()
    return {one: have[one] for one in wanted}


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
