"""Leads a lab study through a world's virtual time: deliveries come in, what is due is looked at."""

import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from crawler.recheck.run import PassReport, recheck
from waterbed.intake.csv_reports import parse_csv_reports
from waterbed.intake.reports import Defaults
from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.scene import down
from waterbed.lab.world.records import TrueReport, Truth
from waterbed.study.study import Study

_ASK_S = 6 * 3600.0
"""Virtual time between two rounds of registries, seconds."""

Told = Callable[[str, int, int], None]
"""Told what is going on, how much is done, how much there is."""


async def drive(
    study: Study,
    truth: Truth,
    servers: LabServers,
    now: list[datetime],
    told: Told,
    *,
    ask: Callable[[], Awaitable[object]] | None = None,
) -> list[PassReport]:
    """Walk through virtual time: reports come in, what is due is looked at; `now` holds the study's clock.

    After the first pass of each quarter of a day `ask` is called: registries are asked then.
    """
    world = truth.world
    reports = sorted(truth.reports, key=lambda report: report.reported_at)
    empty = [world.start + timedelta(hours=hours) for hours in sorted(world.empty_delivery_hours)]
    step = timedelta(seconds=world.step_s)
    steps = int((world.end - world.start) / step)
    passes: list[PassReport] = []
    at = 0
    for number in range(steps + 1):
        now[0] = world.start + number * step
        servers.set_time(now[0])
        # While our network is down no feed reaches us: what it holds comes afterwards, as after an empty delivery.
        if empty and empty[0] <= now[0]:
            empty.pop(0)
            _deliver_nothing(study, world.sites.sources[0])
        elif not down(world, now[0]):
            arrived = at
            while arrived < len(reports) and reports[arrived].reported_at <= now[0]:
                arrived += 1
            _import(study, reports[at:arrived])
            at = arrived
        due = study.store.next_due()
        if due is not None and due <= now[0]:
            passes.append(await recheck(study.folder))
        if ask and number % max(1, round(_ASK_S / world.step_s)) == 0:
            await ask()
        told("virtual hours", number, steps)
    return passes


def _deliver_nothing(study: Study, source: str) -> None:
    """An empty file, through the ordinary intake."""
    folder = study.path / "lab-deliveries"
    folder.mkdir(exist_ok=True)
    path = folder / f"{source}.csv"
    path.write_bytes(b"")
    study.import_reports(path, source=source)


def _import(study: Study, reports: Sequence[TrueReport]) -> None:
    """One delivery of each source, through the ordinary intake but in memory: no file ever holds a URL."""
    by_source: dict[str, list[TrueReport]] = {}
    for report in reports:
        by_source.setdefault(report.source, []).append(report)
    for source, theirs in by_source.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("url", "reported_at", "source", "category", "content_id"))
        for one in theirs:
            writer.writerow((one.url, one.reported_at.isoformat(), one.source, one.category, one.content_id))
        lines = parse_csv_reports(text.getvalue().splitlines(), "the lab's reports")
        study.import_lines(lines, Defaults(source=source, category="phishing"))
