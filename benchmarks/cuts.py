"""Every cut of a response into TLS records, with one suite of each version, mode and order of the MAC.

Usage: python benchmarks/cuts.py [--kinds WORD] [--workers N]. Prints the most bytes that a check took past the head,
and where; exit 1 if a status is not the one of OpenSSL alone, or a byte of the body left the TLS session.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.crawler.net.cuts import KINDS, alone, every_way, look, wrong

SLICES = 8
"""Parts of the cuts of one kind, each the work of one process."""


@dataclass(slots=True)
class Cuts:
    """What came of many cuts."""

    tried: int = 0
    most: int = -1
    where: str = ""
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Cuts") -> None:
        """Count others too."""
        self.tried += other.tried
        self.wrong += other.wrong
        if other.most > self.most:
            self.most, self.where = other.most, other.where

    def __str__(self) -> str:
        """In words."""
        most = f"most bytes past the head {max(0, self.most):,} ({self.where})"
        return f"{self.tried:,} cuts, {most}, {len(self.wrong):,} wrong"


def part(number: int, start: int) -> Cuts:
    """Try every SLICES-th cut with a kind of session."""
    kind, found = KINDS[number], Cuts()
    for name, bits in every_way()[start::SLICES]:
        seen = look(kind, bits)
        where = f"{kind}: {name}"
        complaint = wrong(seen, alone(kind, bits))
        found.add(Cuts(1, seen.past, where, [f"{where}: {complaint}"] if complaint else []))
    return found


def kinds(word: str, workers: int) -> Iterator[tuple[str, Cuts]]:
    """The cuts of each kind whose name holds a word."""
    with ProcessPoolExecutor(workers) as pool:
        tasks = {
            str(kind): [pool.submit(part, number, start) for start in range(SLICES)]
            for number, kind in enumerate(KINDS)
            if word in str(kind)
        }
        for name, parts in tasks.items():
            whole = Cuts()
            for one in parts:
                whole.add(one.result())
            yield name, whole


def main() -> int:
    """Try all, and print what came of them."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kinds", default="", help="kinds of sessions whose names hold this")
    words.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = words.parse_args()
    total, began = Cuts(), time.monotonic()
    for name, found in kinds(asked.kinds, asked.workers):
        total.add(found)
        print(f"{name}: {found}", flush=True)
        print("".join(f"  {complaint}\n" for complaint in found.wrong[:10]), end="", flush=True)
    print(f"all: {total}, {time.monotonic() - began:.0f} s")
    return 1 if total.wrong or not total.tried else 0


if __name__ == "__main__":
    sys.exit(main())
