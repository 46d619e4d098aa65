"""The Python API: opens a study and runs its steps."""

import hashlib
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache, cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from waterbed.intake.batches import Batches
from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.csv_table import UNQUOTED, Rejected, date_order, default_word, is_wider, plain_word, zone_of
from waterbed.intake.formats import Reading
from waterbed.intake.importer import ImportReport, import_reports
from waterbed.intake.reports import Defaults
from waterbed.intake.undated import unread_in_file
from waterbed.intake.worker import batches_of
from waterbed.judging.rules import read_rules
from waterbed.model.errors import InputError
from waterbed.model.facts import Snapshot
from waterbed.model.redaction import shown
from waterbed.model.window import ALL, Window
from waterbed.store.backlog import ScheduleLag, schedule_lag
from waterbed.store.bounded.files import raw_pieces
from waterbed.store.bounded.limits import MOST_ADDRESS, MOST_ADDRESSES
from waterbed.store.bounded.text import open_lines
from waterbed.store.config import Config
from waterbed.store.folder import Clock, Folder, create_folder, open_folder
from waterbed.store.machine_settings import Lab
from waterbed.store.store import Store
from waterbed.store.vault import Vault

if TYPE_CHECKING:
    from waterbed.attribution.attribute import Attributor
    from waterbed.attribution.hosters.book import HosterBook
    from waterbed.governance.protocol.lock import LockedProtocol
    from waterbed.intake.births import BirthImport
    from waterbed.intake.notices import NoticeImport
    from waterbed.store.kept import Kept
    from waterbed.study.conclusions import Conclusions

# A pass needs none of the numerical libraries behind conclusions and tables: a third of its start. Hence PLC0415 below.
__all__ = ["ImportReport", "OriginCount", "Study", "create_study", "open_study", "read_addresses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginCount:
    """Number of rows of a table with an origin AS."""

    key: str
    name: str
    rows: int


class Study:
    """An opened study.

    Use it in a `with` block or call `close`.
    """

    def __init__(self, folder: Folder) -> None:
        """Wrap an opened folder; use `open_study` or `create_study`."""
        self.folder = folder

    @property
    def path(self) -> Path:
        """Where the study's folder is."""
        return self.folder.path

    @property
    def config(self) -> Config:
        """The study's settings."""
        return self.folder.config

    @property
    def clock(self) -> Clock:
        """The clock of records and schedules.

        It is virtual in a study of the lab.
        """
        return self.folder.clock

    @property
    def store(self) -> Store:
        """The study's database."""
        return self.folder.store

    @property
    def vault(self) -> Vault:
        """Where URLs and host names are, encrypted."""
        return self.folder.vault

    def __enter__(self) -> Self:
        """Use the study."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Give the database back."""
        self.folder.close()

    # 1 intake
    def import_reports(
        self,
        path: Path,
        *,
        source: str | None = None,
        category: str | None = None,
        form: str | None = None,
        zone: str | None = None,
        history: bool = False,
        columns: Mapping[str, str] = MappingProxyType({}),
        dates: str | None = None,
        reassess: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> ImportReport:
        """Import a reports file; return the rejected lines.

        Good lines are kept; bad ones are returned with number and reason. `form` is the file's (docs/intake.md); by
        default it is detected. Lines without a category have `category`, else `abuse-material` in the files of
        hotlines' systems and `phishing` in others. `zone` is that of times that name none, in CSV and SCART's files;
        `columns` are the file's own names by field, in CSV and JSON, and `dates` the order of dates that end with the
        year, day-first or month-first, in CSV. The URLs of a `history` are never checked. With `reassess` the
        assessments of a file count that was imported before. Every delivery of a source is recorded, even an empty
        file.
        """
        defaults = Defaults(
            source=plain_word("source", source) if source else default_word("source", path.name),
            category=plain_word("category", "phishing" if category is None else category),
            look=not history,
            live=self.config.probe.live,
            reassess=reassess,
        )
        file_id = self.file_id(path)
        how = Reading(
            form=form,
            category=category,
            zone=zone_of(zone) if zone else None,
            columns=dict(columns),
            dates=date_order(dates) if dates is not None else None,
        )
        with batches_of(self.folder, path, defaults, how) as batches:
            unread = unread_in_file(path, how)
            done = import_reports(self.folder, batches, defaults, file_id=file_id, progress=progress)
        undated = done.imported + done.known > 0 and not done.dated
        return replace(done, undated=unread) if undated else done

    def file_id(self, path: Path) -> str:
        """Return the keyed id of a file's content.

        InputError if it cannot be read.
        """
        digest = hashlib.sha256()
        for piece in raw_pieces(path, "a reports file"):
            digest.update(piece)
        return self.vault.keyed_id("file", digest.hexdigest())

    def import_lines(
        self,
        lines: Iterator[ReportLine | Rejected],
        defaults: Defaults,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> ImportReport:
        """Import lines that are already parsed."""
        return import_reports(self.folder, Batches(lines, lambda: self.vault, defaults), defaults, progress=progress)

    def import_notices(
        self,
        path: Path,
        *,
        sender: str | None = None,
        kind: str = "ntd",
        form: str = "csv",
        zone: str | None = None,
        dates: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> "NoticeImport":
        """Import a file of notices; return the rejected lines.

        Good lines are kept; all others are returned with number and reason. `form` is csv or scart; `zone` is that of
        SCART's times, `dates` the order of dates in CSV that end with the year: day-first or month-first.
        """
        from waterbed.intake.csv_notices import known_kind  # noqa: PLC0415 (see above)
        from waterbed.intake.notices import (  # noqa: PLC0415 (see above)
            NoticeDefaults,
            import_notices,
            read_notices,
        )

        defaults = NoticeDefaults(
            sender=plain_word("sender", sender) if sender else default_word("sender", path.name),
            kind=known_kind(kind),
        )
        order = date_order(dates) if dates is not None else None
        given_zone = zone_of(zone) if zone else None
        book = cache(self.book)
        lines = read_notices(path, form, self.vault, given_zone, order, lambda: book().by_key)
        company = lambda recipient, when: book().on(when.date()).company(recipient)  # noqa: E731
        return import_notices(self.folder, lines, defaults, company=company, progress=progress)

    # 2 what is due
    def schedule_lag(self) -> ScheduleLag:
        """Return the delay of checks and the workers needed."""
        return schedule_lag(self.folder)

    # 8 dated tables
    def add_table(self, path: Path, day: date, *, kind: str = "routes", licence: str | None = None) -> list[Snapshot]:
        """Import a dated table into the study.

        Of routes, places, organisations or hosting; the study keeps its compact form.
        """
        from waterbed.study.dated_tables import add_table  # noqa: PLC0415 (see above)

        return add_table(self.folder, path, day, kind=kind, licence=licence)

    def add_births(self, path: Path, day: date, *, licence: str | None = None) -> "BirthImport":
        """Import when reported names began, from a dated file.

        Rows of names without a report are neither kept nor counted.
        """
        from waterbed.intake.births import import_births  # noqa: PLC0415 (see above)
        from waterbed.study.dated_tables import described_day, plain_licence  # noqa: PLC0415 (see above)

        return import_births(self.folder, path, described_day(self.folder, day), plain_licence(licence))

    def set_hosters(self, path: Path) -> "HosterBook":
        """Import a file of hoster entities (aliases of ASes)."""
        from waterbed.governance.hosters import set_file  # noqa: PLC0415 (see above)

        return set_file(self.folder, path)

    # what was planned
    @cached_property
    def protocol(self) -> "LockedProtocol | None":
        """The locked protocol with its deviations; None without one.

        As when first asked for.
        """
        from waterbed.governance.protocol.lock import locked_protocol  # noqa: PLC0415 (see above)

        return locked_protocol(self.folder)

    # 9-14 conclude
    def conclude(self, processes: int | None = None, *, grows: bool = False, window: Window = ALL) -> "Conclusions":
        """Draw all conclusions from the facts as they are now.

        `processes` share the reading of many looks, by default as the settings say; a program with threads takes 1.
        Where only episodes and rankings are asked for, `grows` takes what was kept of URLs at which nothing is new.
        Those of a `window` are about the URLs that were first reported in it.
        """
        from waterbed.study.conclusions import Conclusions  # noqa: PLC0415 (see above)
        from waterbed.study.facts import read_facts  # noqa: PLC0415 (see above)
        from waterbed.study.linking import opened  # noqa: PLC0415 (see above)

        if self.protocol:
            self.protocol.log(self.folder)
        folder, machine = self.folder, os.cpu_count() or 1
        found = Conclusions(
            partial(read_facts, folder),
            self.attributor(),
            read_rules(),
            folder.config,
            opened(folder),
            removal_measured=folder.measures_removal,
            kept=self.kept(),
            processes=processes or min(folder.config.processes or machine, machine),
        )
        found.grows = grows
        if not window:
            return found
        from waterbed.study.windowed import within  # noqa: PLC0415 (see above)

        return within(found, window)

    def kept(self) -> "Kept":
        """Conclusions kept in the study's folder."""
        from waterbed.store.kept import Kept  # noqa: PLC0415 (see above)
        from waterbed.study.digest import StudyDigest  # noqa: PLC0415 (see above)

        return Kept(self.path, StudyDigest(self.folder), self.folder.vault)

    def attributor(self) -> "Attributor":
        """Everything that attribution needs, opened from the study's tables."""
        from waterbed.study.dated_tables import attributor_of  # noqa: PLC0415 (see above)

        return attributor_of(self.folder, self.book())

    def book(self) -> "HosterBook":
        """Return the hoster directory.

        The known list, the study's file and all decided changes.
        """
        from waterbed.governance.hosters import read_book  # noqa: PLC0415 (see above)

        return read_book(self.folder)

    def snapshots(self) -> list[Snapshot]:
        """Return all dated tables, oldest first.

        Of one date, the one added last comes last and applies.
        """
        return self.folder.store.all(Snapshot, order=("data_date", "imported_at", "snapshot_id"))

    def tables(self, kind: str) -> list[tuple[date, Any]]:
        """Return the opened tables of a kind with their dates.

        In the order of `snapshots`.
        """
        from waterbed.study.dated_tables import opened  # noqa: PLC0415 (see above)

        return opened(self.folder, kind)

    def attribute_table(self, addresses: list[str], day: date) -> tuple[list[tuple[int, ...]], list[OriginCount]]:
        """Return each address's origin ASes and the counts.

        As of a day; each count is the number of rows with that origin. Rows without any origin are counted under the
        key "unknown".
        """
        attributor = self.attributor()
        origins = attributor.origins_by_row(addresses, datetime.combine(day, time(), tzinfo=UTC))
        counted = Counter(f"AS{origin}" for row in origins for origin in row)
        nowhere = sum(not row for row in origins)
        if nowhere:
            counted["unknown"] = nowhere
        ordered = sorted(counted.items(), key=lambda item: (item[0] == "unknown", -item[1], item[0]))
        names = {key: "no route" if key == "unknown" else attributor.name_of(key) for key, _ in ordered}
        return origins, [OriginCount(key=key, name=names[key], rows=rows) for key, rows in ordered]


def create_study(path: Path, config: Config | None = None, lab: Lab | None = None) -> Study:
    """Make a new study folder; keys go outside it."""
    return Study(create_folder(path, config or Config(study=uuid.uuid4().hex), lab))


def open_study(path: Path | str, clock: Clock | None = None) -> Study:
    """Open a study folder."""
    return Study(open_folder(Path(path), clock))


def read_addresses(path: Path, column: str) -> Iterator[str]:
    """Yield the cells of one column of a CSV file.

    The file has a header line. InputError for a row with text beyond its columns, or a cell with a line break: such a
    cell may be a quote that is not closed.
    """
    import csv  # noqa: PLC0415 (only this reader needs it)

    try:
        rows = csv.reader((line for line in open_lines(path, "a CSV file") if not line.startswith("#")), strict=True)
        names = next(rows, [])
        if column not in names:
            raise InputError(
                f"{path} lacks a column {shown(column)} in its header line; name one with --address-column "
                "(docs/attribution.md)"
            )
        at = names.index(column)
        for number, row in enumerate(filter(None, rows), 1):
            if number > MOST_ADDRESSES:
                raise InputError(f"{path} has more than {MOST_ADDRESSES:,} rows; split it (docs/intake.md, Bounds)")
            if is_wider(row, len(names)):
                raise InputError(
                    f"{path}: row {number} has {len(row)} columns, the header {len(names)}; {UNQUOTED} "
                    "(docs/attribution.md)"
                )
            if any("\n" in cell for cell in row):
                raise InputError(
                    f"{path}: row {number} has a cell with a line break, or a quote that is not closed; correct the "
                    "row (docs/attribution.md)"
                )
            yield row[at][:MOST_ADDRESS].strip() if at < len(row) else ""
    except csv.Error as problem:
        raise InputError(f"{path} cannot be read as CSV ({problem})") from None
