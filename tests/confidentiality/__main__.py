"""Searches files for the hosts of a feed: python -m tests.confidentiality --feed FILE [--reference FILE] PATH..."""

import argparse
import csv
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.confidentiality.names import Secrets
from tests.confidentiality.search import search
from waterbed.model.canonical import spell
from waterbed.model.errors import BadUrl


def hosts_of(feed: Path) -> Iterator[str]:
    """The host of each usable URL of a CSV feed with a column URL or url."""
    with feed.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        for row in rows:
            try:
                yield spell(row.get("URL") or row.get("url") or "").host
            except BadUrl:
                continue


def main() -> int:
    """Search, print counts, never a name; 1 if anything was found."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--feed", type=Path, required=True)
    words.add_argument("--reference", type=Path, action="append", default=[])
    words.add_argument("paths", type=Path, nargs="+")
    asked = words.parse_args()
    started = time.perf_counter()
    secrets = Secrets(hosts_of(asked.feed))
    secrets.without(path.read_bytes() for path in asked.reference)
    found = search(asked.paths, secrets)
    kinds = Counter(kind for kind, _ in secrets.names)
    print(f"names: {dict(kinds)}; left out: {secrets.left_out}")
    print(f"read: {found.files:,} files, {found.bytes_read:,} bytes, decoded parts included")
    print(f"time: {time.perf_counter() - started:.0f} s")
    print(f"hits: {len(found.hits)}")
    for (file, part, kind, form), n in Counter((h.file, h.part, h.kind, h.form) for h in found.hits).most_common(40):
        print(f"  {n} {kind} as {form} in {file} ({part})")
    return 1 if found.hits else 0


if __name__ == "__main__":
    sys.exit(main())
