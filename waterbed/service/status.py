"""Where a study stands, and the one next command."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Final, Literal, NamedTuple

from waterbed.attribution.lookups.dns.resolver import resolver_answers
from waterbed.model.bookkeeping import Run, RunEnd
from waterbed.model.facts import CanaryLook, Report, Snapshot
from waterbed.model.progress import stage
from waterbed.store.backlog import schedule_lag
from waterbed.store.bounds import canary_fault, not_a_contact, not_public
from waterbed.store.frozen import FROZEN
from waterbed.store.lake.removed_days import removed_days
from waterbed.store.tables import TABLES
from waterbed.study.sources import source_of
from waterbed.study.study import Study

SPAN: Final = timedelta(days=7)
"""Reports must span so much before a share has an interval."""
FOLLOWED: Final = timedelta(hours=24)
"""What is reported is followed for so long before a share tells of it."""

_ASKED_S: Final = 1.0

_SOURCE: Final = "ip-location-asn"
_ROUTES: Final = (f"waterbed data fetch {_SOURCE} --add", "fetches a table of routes and adds it (npm)")

Phase = Literal["empty", "reported", "measuring", "measured", "reproduced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A study's state, as one row of counts and words."""

    name: Annotated[str, "name of the study"]
    phase: Annotated[Phase, "empty; reported: never checked; measuring; measured: a ranking can mean something"]
    reports: Annotated[int, "reports on record"]
    due: Annotated[int, "checks that are due now"]
    overdue: Annotated[int, "of these, due for longer than schedule.late_s"]
    last_pass_at: Annotated[datetime | None, "when the newest pass began; null: none yet"]
    last_pass_end: Annotated[str | None, "how it ended; null: it has not"]
    ranking_at: Annotated[
        datetime | None,
        "from when a first ranking can mean something; null: no report was checked within a day, or no removal is "
        "measured",
    ]
    blocks: Annotated[tuple[str, ...], "what stands in the way, each with what mends it"]
    next: Annotated[str, "the next command"]
    why: Annotated[str, "what it does for the study"]


@stage("asking the resolver")
def standing(study: Study) -> Standing:
    """Where the study stands; its resolver is asked live.

    Reads counts alone: no conclusion is drawn, and nothing is written.
    """
    store, lag, now = study.store, schedule_lag(study.folder), study.clock()
    reports, frozen = store.count(Report), (study.path / FROZEN).exists()
    passes: list[Run] = store.newest_runs("recheck", 1)
    ends = {
        one.run_id: one.outcome for one in store.all(RunEnd, TABLES[RunEnd].c.run_id.in_([p.run_id for p in passes]))
    }
    ranking_at = _ranking_at(study)
    phase: Phase = (
        "reproduced"
        if frozen
        else "empty"
        if not reports
        else "reported"
        if store.observed_span()[0] is None and not removed_days(store)
        else "measured"
        if (ranking_at and ranking_at <= now) or not study.folder.measures_removal
        else "measuring"
    )
    # nothing stands in the way of a lab that has run
    blocks = [] if frozen or study.folder.lab else list(_blocks(study))
    command, why = _next(study, phase, blocks=blocks, due=lag.due)
    for block in blocks:
        if block.command and phase != "empty":
            command, why = block.command, block.why
            break
    return Standing(
        name=study.config.name,
        phase=phase,
        reports=reports,
        due=lag.due,
        overdue=lag.overdue,
        last_pass_at=passes[0].started_at if passes else None,
        last_pass_end=ends.get(passes[0].run_id) if passes else None,
        ranking_at=ranking_at,
        blocks=tuple(block.what for block in blocks),
        next=command,
        why=why,
    )


def _ranking_at(study: Study) -> datetime | None:
    """When reports can span a week and have been followed for a day, if looks go on.

    Only reports that were checked within a day count: what ended before the first look, ended unseen.
    """
    stored, _ = study.store.observed_span()
    left = [datetime.combine(day, time.min, UTC) for day in removed_days(study.store)]
    begun = min([*left, *([stored] if stored else [])], default=None)
    if begun is None or not study.folder.measures_removal:
        return None
    first = study.store.first_reported(begun - FOLLOWED)
    return None if first is None else first + SPAN + FOLLOWED


RUN_ONE: Final = "run one on this machine, or name another in [names] resolver (docs/operations.md, Resolver)"
"""What a study without a resolver needs."""


NOBODY: Final = "nobody can reach us"
NAME_CANARIES: Final = "name well-known pages in different networks in [canary] targets"
"""What a study without useful canaries needs."""
SET_CONTACT: Final = "set contact in waterbed.toml"
"""What a study without a contact lacks, and needs."""


def resolver_silent(study: Study) -> bool:
    """Ask the resolver live; true without an answer in time."""
    names = study.config.names
    return not asyncio.run(resolver_answers(names.resolver, timeout_s=min(names.timeout_s, _ASKED_S), tries=2))


class _Block(NamedTuple):
    """What stands in the way, the command that mends it if one does, and what that does."""

    what: str
    command: str = ""
    why: str = ""
    resolver: bool = False
    """True if no name can be looked up."""


def _blocks(study: Study) -> Iterator[_Block]:
    config, store = study.config, study.store
    if resolver_silent(study):
        what = f"the resolver {config.names.resolver} does not answer in a second: no name can be looked up; {RUN_ONE}"
        yield _Block(what, resolver=True)
    if fault := canary_fault(config.canary.targets, lab=study.folder.lab is not None):
        yield _Block(f"{fault}; {NAME_CANARIES} (docs/operations.md, Canary)")
    # where no check goes, no network that is mended makes a target answer
    if (last := store.newest_of(CanaryLook)[-1]) and (study.folder.lab or not not_public(config.canary.targets)):
        looks = store.all(CanaryLook, TABLES[CanaryLook].c.observed_at == last)
        if any(one.reached < config.canary.need * one.targets for one in looks):
            yield _Block(f"the last canary failed, at {last:%Y-%m-%d %H:%M}: mend this machine's network")
    if fault := not_a_contact(config.contact):
        yield _Block(f"{NOBODY}, as contact {fault}: {SET_CONTACT} (docs/operations.md, Settings)")
    days = [one.data_date for one in store.all(Snapshot, TABLES[Snapshot].c.kind == "routes")]
    if not days:
        yield _Block("no table of routes: nothing can be attributed to an AS or a hoster (docs/tables.md)", *_ROUTES)
    elif (study.clock() - max(days)) / timedelta(days=1) > config.routes_max_age_days:
        known = source_of(_SOURCE)
        newest = known.day_of(known.version or "")
        older = newest is not None and max(days).date() < newest
        yield _Block(
            f"the newest table of routes is of {max(days):%Y-%m-%d}: later checks are attributed with a stale table; "
            "add a newer one (docs/tables.md)",
            *(_ROUTES if older else ("", "")),
        )


def _next(study: Study, phase: Phase, *, blocks: list[_Block], due: int) -> tuple[str, str]:
    """The next command where nothing that a command mends stands in the way."""
    if phase == "empty":
        return "waterbed import reports.csv", "imports reports: a CSV file with the columns url and reported_at"
    if phase == "reproduced":
        return "waterbed rank", "ranks hosters by the frozen facts"
    if any(one.resolver for one in blocks):
        return "waterbed status", "again, once the resolver answers"
    if not study.folder.measures_removal:
        return "waterbed rank --table volume", "ranks hosters by volume: a replay measures no removal"
    if phase == "measured" or study.folder.lab:  # a lab's pass is over: its servers are gone
        return "waterbed rank", "ranks hosters by volume and by speed of removal; waterbed publish OUT makes pages"
    if due:
        return "waterbed recheck", "checks what is due, once; waterbed run keeps on doing so"
    return "waterbed run", "keeps checking on schedule until a signal"
