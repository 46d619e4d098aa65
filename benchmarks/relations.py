"""An invented table of AS relations, in each real form: time and memory to read and keep it."""

import argparse
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from waterbed.attribution.lookups.tables.relations import RelationTable, read_relations

SEED = 20251128
TARGET_S, TARGET_MIB = 10.0, 1024.0


def invented(ases: int, edges: int) -> list[tuple[int, int, int]]:
    """Pairs with -1 or 0: a few carriers at the top, most ASes with one to three providers, the rest peers."""
    rng = random.Random(SEED)
    numbers = rng.sample(range(1, 400_000), ases)
    pairs = {(numbers[int(at * rng.random() ** 3)], numbers[at], -1) for at in range(1, ases) for _ in range(3)}
    while len(pairs) < edges:
        one, other = sorted(rng.sample(numbers, 2))
        pairs.add((one, other, 0))
    return sorted(pair for pair in pairs if pair[0] != pair[1])


def written(folder: Path, pairs: list[tuple[int, int, int]]) -> dict[str, Path]:
    """The same pairs in each form."""
    text = "# source:topology|invented\n"
    first = "".join(f"{a}|{b}|{kind}\n" for a, b, kind in pairs)
    second = "".join(f"{a}|{b}|{kind}|{'bgp' if kind else 'mlp'}\n" for a, b, kind in pairs)
    rows = [{"asn1": a, "asn2": b, "paths_count": 9, "peers_count": 3, "rel": -kind} for a, b, kind in pairs]
    files = {"serial-1": (text + first).encode(), "serial-2": gzip.compress((text + second).encode(), 1)}
    files["as2rel"] = json.dumps(rows).encode()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in files}


def main() -> None:
    """Read each form in a process of its own; exit 1 on a miss."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--ases", type=int, default=80_000)
    words.add_argument("--edges", type=int, default=500_000)
    words.add_argument("--read", type=Path)
    asked = words.parse_args()
    if asked.read:
        _read(asked.read)
        return
    missed = False
    with tempfile.TemporaryDirectory() as name:
        pairs = invented(asked.ases, asked.edges)
        for form, path in written(Path(name), pairs).items():
            done = subprocess.run(
                [sys.executable, __file__, "--read", path], capture_output=True, text=True, check=True
            )
            seconds, mib, relations = map(float, done.stdout.split())
            print(f"{form:9} {relations:9,.0f} relations {seconds:6.2f} s {mib:7.0f} MiB")
            missed |= seconds > TARGET_S or mib > TARGET_MIB or relations != len(pairs)
    sys.exit(missed)


def _read(path: Path) -> None:
    begun = time.perf_counter()
    table = read_relations(path)
    table.save(path.parent / "kept")
    RelationTable.load(path.parent / "kept")
    seconds = time.perf_counter() - begun
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(table))


if __name__ == "__main__":
    main()
