"""A world's reports and notices, through the intake."""

import csv
import io
from collections.abc import Sequence
from functools import partial

from waterbed.intake.csv_reports import parse_csv_reports
from waterbed.intake.reports import Defaults
from waterbed.lab.world.records import TrueNotice, TrueReport
from waterbed.store.bounded.files import standard_input
from waterbed.study.study import Study

_COLUMNS = ("url", "source", "category", "content_id", "site_type", "commercial", "parent", "reported_at")


def deliver_nothing(study: Study, source: str) -> None:
    """An empty file, through the ordinary intake."""
    folder = study.path / "lab-deliveries"
    folder.mkdir(exist_ok=True)
    path = folder / f"{source}.csv"
    path.write_bytes(b"")
    study.import_reports(path, source=source)


def import_reports(study: Study, reports: Sequence[TrueReport]) -> None:
    """Import one delivery of each source through the ordinary intake.

    The delivery stays in memory: no file ever holds a URL.
    """
    by_source: dict[str, list[TrueReport]] = {}
    for report in reports:
        by_source.setdefault(report.source, []).append(report)
    for source, theirs in by_source.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for one in theirs:
            writer.writerow((*map(partial(getattr, one), _COLUMNS[:-1]), one.reported_at.isoformat()))
        lines = parse_csv_reports(text.getvalue().splitlines(), "the lab's reports")
        study.import_lines(lines, Defaults(source=source, category="phishing", live=study.config.probe.live))


def notify(study: Study, notices: Sequence[TrueNotice]) -> None:
    """Import notices through the ordinary intake, in memory too."""
    if not notices:
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("url", "kind", "recipient", "sent_at", "delivered_at", "due_at"))
    for one in notices:
        sent, due = one.sent_at.isoformat(), one.due_at.isoformat() if one.due_at else ""
        writer.writerow((one.url, one.kind, one.recipient, sent, sent, due))
    with standard_input(io.BytesIO(text.getvalue().encode()), 1 << 30, "notices") as path:
        study.import_notices(path, sender="hotline")
