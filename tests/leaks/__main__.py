"""`python -m tests.leaks --feed FEED.csv [--reference FILE ...] PATH...`: counts, never names."""

import argparse
import sys
from pathlib import Path
from time import perf_counter

from tests.leaks.names import names_of_feed
from tests.leaks.search import Found, Search
from waterbed.model.errors import InputError

_SHOWN = 50
"""Most lines of one table."""


def main(words: list[str] | None = None) -> int:
    """Search; 0: nothing found, 1: names found, 2: not everything could be read."""
    parser = argparse.ArgumentParser(prog="python -m tests.leaks", description="Secret names in files, counted.")
    parser.add_argument("--feed", type=Path, required=True, help="a reports file (CSV): its hosts are the secrets")
    parser.add_argument(
        "--reference", type=Path, action="append", default=[], help="a public file or folder: its names are no leak"
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files and folders to search")
    asked = parser.parse_args(words)
    for path in (*asked.reference, *asked.paths):
        if not path.exists():
            parser.error(f"{path} does not exist")
    started = perf_counter()
    try:
        names, rejected = names_of_feed(asked.feed)
    except InputError as problem:
        parser.error(str(problem))
    if not names.texts:
        parser.error(f"{asked.feed} holds no name to search for")
    search = Search(names)
    _say(
        f"names searched for: {names.count('host'):,} hosts, {names.count('domain'):,} more registrable domains, "
        f"{names.count('label'):,} second-level labels"
    )
    for reason, count in sorted({**names.left_out, "lines without a usable URL": rejected}.items()):
        _say(f"left out: {count:,} {reason}")
    unread = 0
    if asked.reference:
        known = search.learn_public(asked.reference)
        kinds = [names.kinds[number] for number in search.public]
        _say(
            f"in the reference files, so no leak: {kinds.count('host'):,} hosts, {kinds.count('domain'):,} domains, "
            f"{kinds.count('label'):,} labels ({known.files:,} files, {known.size:,} bytes)"
        )
        unread += _unread(known)
    found = search.over(asked.paths)
    _say(
        f"searched: {found.files:,} files, {found.size:,} bytes; with what they pack {found.pieces:,} pieces, "
        f"{found.searched:,} bytes; {perf_counter() - started:.1f} s"
    )
    unread += _unread(found)
    _say(f"hits on names of the reference files, not counted: {found.public:,}")
    _tell(found)
    return 1 if found.hits else 2 if unread else 0


def _tell(found: Found) -> None:
    labels = sum(hit.kind == "label" for hit in found.hits)
    numbers = {hit.number for hit in found.hits}
    _say(
        f"hits: {len(found.hits) - labels:,} of hosts and domains; apart: {labels:,} of labels; "
        f"{len(numbers):,} distinct names"
    )
    rows = found.by("kind", "form", "where").most_common()
    for (kind, form, where), count in rows[:_SHOWN]:
        first = [hit for hit in found.hits if (hit.kind, hit.form, hit.where) == (kind, form, where)][:3]
        places = ", ".join(f"name {hit.number} at {hit.offset}" for hit in first)
        _say(f"  {count:,} {kind}, {form}, {where}: {places}{' ...' if count > len(first) else ''}")
    if len(rows) > _SHOWN:
        _say(f"  and {len(rows) - _SHOWN:,} more lines")


def _unread(found: Found) -> int:
    for where, why in found.unread[:_SHOWN]:
        _say(f"not read: {where} ({why})")
    return len(found.unread)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
