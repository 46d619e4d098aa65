"""The TableInfo of a study's tables."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from waterbed.model.conclusions import ClockKind
from waterbed.model.errors import StoreFailure
from waterbed.model.table import TableInfo
from waterbed.model.window import ALL, Window
from waterbed.store.frozen import World
from waterbed.store.lake.reading import observed_span
from waterbed.study.study import Study

_VERSION: Final = version("waterbed")
METHOD = (
    "removed within 24 h: interval-censored cumulative incidence (discrete-time NPMLE, hour grid) of the cause "
    "'removed'; 95% interval of what clocks are worth given how alike those of a site are; unknown is never down"
)

CAVEATS: Final[Mapping[World, str]] = {
    "measured": "",
    "simulated": "Simulated: the Internet that was measured is invented, and so are its companies",
    "replay": "Replay: no removal is measured; servers of the lab stood in for the hosts of a real feed",
}


def table_info(
    study: Study, what: str, *, by: str = "url", clock: ClockKind | None = None, window: Window = ALL
) -> TableInfo:
    """Return the metadata of a table.

    Clocks run from `clock`, else as the settings say; the table is about the reports of a `window`.
    """
    runs = study.store.newest_runs("recheck", 1)
    try:
        first, last = observed_span(study.folder)
    except StoreFailure:
        if by != "finding":  # one of these says that the lake cannot be read
            raise
        measured = "unknown"
    else:
        if first and last:
            first = max(first, window.since) if window.since else first
            last = min(last, window.end) if window.end else last
        measured = f"{first.isoformat()}/{last.isoformat()}" if first and last and first <= last else "no check yet"
    starts, locked = clock or study.config.clock, study.protocol
    return TableInfo(
        what=what,
        by=by,
        clock=starts,
        window=measured,
        method=METHOD,
        data_dates={
            f"{one.kind} IPv{one.family}" if one.family else one.kind: one.data_date.date().isoformat()
            for one in study.snapshots()
        },
        run=runs[0].run_id if runs else "none",
        version=_VERSION,
        protocol=locked.status(what=what, by=by, clock=starts, windowed=bool(window)) if locked else "none",
        deviations=locked.sentences if locked else (),
        reports=window.words,
        caveat=CAVEATS[study.folder.world],
    )
