"""PhishTank's listings as they are used here: when each entry was in which dumps, without any name."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from waterbed.intake.csv_table import Rejected
from waterbed.intake.feed_presence import Delivered, Presence, read_deliveries
from waterbed.judging.quarantines import GuardRules
from waterbed.measures.feeds import FeedRetention, retention_ages, suspect_deliveries
from waterbed.model.errors import BadUrl, InputError
from waterbed.model.urls import canonicalize, registrable_domain
from waterbed.store.bounded.text import open_lines

ENTRIES, DUMPS = "phishtank-2018-2019.csv.gz", "phishtank-dumps.csv"
SOURCE = "phishtank"
LEAST_DUMPS = 136
"""So many the study needs: those that it imports one by one are among them."""
Mask = npt.NDArray[np.bool_]
Runs = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One id of the feed: its times, the dumps that held it, and what its URL hangs on."""

    submitted: datetime
    runs: Runs
    """First and last dump of each run of dumps that held it."""
    host: str
    site: str
    platform: str
    """The last two labels of the host."""
    address: bool
    """Whether the host is an address."""
    usable: bool
    """Whether the URL has a canonical spelling."""


@dataclass(frozen=True, kw_only=True)
class Listings:
    """All entries and all dumps; entries in the order of the file. Holds names: never shown."""

    entries: Sequence[Entry]
    dumps: Sequence[Delivered]

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<Listings: {len(self.entries)} entries, {len(self.dumps)} dumps>"

    @cached_property
    def held(self) -> frozenset[int]:
        """Numbers of the dumps that the rule for imports does not believe."""
        doubted = {one.began_at for one in suspect_deliveries(SOURCE, self.dumps, GuardRules())}
        return frozenset(number for number, dump in enumerate(self.dumps) if dump.received in doubted)

    @cached_property
    def new(self) -> Mask:
        """Entries submitted since the first dump and absent from it."""
        began = self.dumps[0].received
        return np.array([one.submitted >= began and one.runs[0][0] > 0 for one in self.entries])

    def at_latest_entry(self) -> "Listings":
        """The same with each dump taken when the latest entry that it was the first to hold was submitted.

        Their hours are not on record. None was taken earlier than that, nor before the midnight that begins its day.
        """
        taken = [one.received for one in self.dumps]
        for one in self.entries:
            taken[one.runs[0][0]] = max(taken[one.runs[0][0]], one.submitted)
        dumps = [replace(dump, received=when) for dump, when in zip(self.dumps, taken, strict=True)]
        return Listings(entries=self.entries, dumps=dumps)

    def presence(self, which: Mask, *, repaired: bool = True, believed: bool = False) -> Iterator[Presence]:
        """When each chosen entry was listed; `repaired`: to its last dump, else to its first absence.

        An absence from a held dump is none, unless that is `believed`.
        """
        skipped = frozenset[int]() if believed else self.held
        for one in (self.entries[number] for number in np.flatnonzero(which)):
            end = one.runs[-1][1] if repaired else first_end(one.runs, skipped)
            yield Presence(
                entered=one.submitted,
                first_listed=self.dumps[0].received if one.runs[0][0] == 0 else None,
                last_listed=max(self.dumps[end].received, one.submitted),
                first_missing=None,
            )

    def retention_ages(self, which: Mask, *, repaired: bool = True, believed: bool = False) -> FeedRetention:
        """Ages in days at which the chosen entries were last listed, first missing, and came into sight."""
        told = [one.received for number, one in enumerate(self.dumps) if believed or number not in self.held]
        return retention_ages(self.presence(which, repaired=repaired, believed=believed), told)

    def codes(self, what: str) -> npt.NDArray[np.int64]:
        """A whole number for each entry's host, site or platform: equal where these are."""
        return np.unique([getattr(one, what) for one in self.entries], return_inverse=True)[1]


def first_end(runs: Runs, skipped: frozenset[int]) -> int:
    """The last dump before the first absence; absence from a skipped dump is none."""
    end = runs[0][1]
    for begin, later in runs[1:]:
        if not all(number in skipped for number in range(end + 1, begin)):
            break
        end = later
    return end


def read_listings(folder: Path) -> Listings:
    """Read both files; InputError if one is missing or has a line that cannot be used."""
    dumps = []
    for line in read_deliveries(folder / DUMPS):
        if isinstance(line, Rejected):
            raise InputError(f"{DUMPS}, line {line.line}: {line.reason}")
        dumps.append(line)
    entries = []
    for number, row in enumerate(rows(folder), 1):
        try:
            entries.append(_entry(number, row, len(dumps)))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(
                f"{ENTRIES}, entry {number}: url, submission_time with its offset, and present, runs of numbers of "
                f"{len(dumps):,} dumps, were expected; see docs/study/README.md, How to reproduce it"
            ) from None
    if not entries or len(dumps) < LEAST_DUMPS:
        raise InputError(
            f"{len(entries):,} entries and {len(dumps):,} dumps are no data of this study, {LEAST_DUMPS} needed"
        )
    return Listings(entries=entries, dumps=dumps)


def rows(folder: Path) -> Iterator[dict[str, str]]:
    """Each entry as the file has it."""
    yield from csv.DictReader(open_lines(folder / ENTRIES, "the file of entries"))


def runs_of(present: str) -> Runs:
    """`3-7 9` as ((3, 7), (9, 9))."""
    return tuple((int(run.partition("-")[0]), int(run.rpartition("-")[2])) for run in present.split())


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of each data file."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (ENTRIES, DUMPS)}


def _entry(number: int, row: dict[str, str], dumps: int) -> Entry:
    host = site = f"entry {number}"
    usable, address = True, False
    try:
        spelled = canonicalize(row["url"])
    except BadUrl:
        usable = False
    else:
        host, address = spelled.host, spelled.literal
        site = registrable_domain(host)
    submitted, runs = datetime.fromisoformat(row["submission_time"]), runs_of(row["present"])
    if submitted.tzinfo is None or not runs or not 0 <= runs[0][0] <= runs[-1][1] < dumps:
        raise ValueError("no offset, or runs of dumps that there are not")
    return Entry(
        submitted=submitted,
        runs=runs,
        host=host,
        site=site,
        platform=".".join(host.rsplit(".", 2)[-2:]),
        address=address,
        usable=usable,
    )
