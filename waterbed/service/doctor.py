"""Problems of a study: findings, each with advice."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from statistics import median

from waterbed.attribution.lookups.lists import list_rows
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.graphs.displacement.event import events_in
from waterbed.judging.rules import WITNESSES
from waterbed.model.bookkeeping import Due, KeyCheck, Run, RunEnd
from waterbed.model.conclusions import NAME_ENDS, Quarantine
from waterbed.model.errors import KeyProblem
from waterbed.model.progress import stage
from waterbed.model.registrations import Registration
from waterbed.model.spelling import counted, percent
from waterbed.model.urls import SPELLING
from waterbed.service.doctor_storage import (
    Finding,
    Severity,
    backup_findings,
    backups_findings,
    disk_findings,
    finding,
    forgotten_findings,
    orphan_findings,
    privacy_findings,
    store_findings,
    unfinished_findings,
    written_findings,
)
from waterbed.service.status import NAME_CANARIES, NOBODY, RUN_ONE, SET_CONTACT, resolver_silent
from waterbed.store.bounds import canary_fault, not_a_contact, not_public
from waterbed.store.lake.reading import known_resolved
from waterbed.store.leases import living
from waterbed.store.tables import TABLES
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

OURS = ("our_fault", "unwatched", "refused_by_us")
_UNSEEN_SHARE, _UNSEEN_ROWS, _UNSEEN_LOOKS = 0.1, 5, 10
_RUNS = 20
_LATE_TIMES = 2.0
_SEE = "docs/operations.md"


__all__ = ["Finding", "examine"]


@stage("examining the study")
def examine(study: Study, *, live: bool = False, backups: Path | None = None) -> list[Finding]:
    """Examine a study; findings in order of severity.

    Writes nothing. `live`: its resolver is asked too. `backups`: all in this folder are read.
    """
    first = [*store_findings(study), *written_findings(study)]
    damage = [*first, *unfinished_findings(study), *forgotten_findings(study)]
    damage += backups_findings(study, backups) if backups else ()
    if any(one.severity == "problem" for one in first):
        return damage
    conclusions = study.conclude()
    found = [
        *damage,
        *orphan_findings(study),
        *privacy_findings(study),
        *backup_findings(study),
        *disk_findings(study),
        *(_resolver(study) if live and not study.folder.frozen else ()),
        *([] if study.folder.frozen else _measuring(study, conclusions)),
        *_keys(study),
        *_quarantines(conclusions),
        *_unseen(conclusions),
        *_set_aside(conclusions),
        *_spellings(conclusions),
        *_deliveries(study, conclusions),
        *_routes(study, conclusions),
        *_lists(study),
        *_hosters(study),
        *_events(study),
    ]
    order = ("problem", "warning", "note")
    return sorted(found, key=lambda one: order.index(one.severity))


@stage("asking the resolver")
def _resolver(study: Study) -> Iterator[Finding]:
    """Ask the study's resolver live; a lab's is gone."""
    if not study.folder.lab and resolver_silent(study):
        what = "the resolver does not answer: no name can be looked up"
        yield finding("problem", what, study.config.names.resolver, RUN_ONE)


def _measuring(study: Study, conclusions: Conclusions) -> Iterator[Finding]:
    """Findings on how the study looks and asks; a reproduced one does neither."""
    yield from _settings(study)
    yield from _canary(study, conclusions)
    yield from _schedule(study)
    yield from _runs(study)
    yield from _registrations(study)
    yield from _domains(conclusions)


def _set_aside(conclusions: Conclusions) -> Iterator[Finding]:
    aside = conclusions.set_aside
    if aside.not_illegal or aside.unassessed:
        figures = f"{len(aside.not_illegal):,} assessed as not illegal, {len(aside.unassessed):,} not assessed yet"
        yield finding("note", "reported URLs count nowhere", figures, "docs/method.md, Assessment")


def _spellings(conclusions: Conclusions) -> Iterator[Finding]:
    earlier = sum(target.spelling != SPELLING for target in conclusions.facts.targets.values())
    if earlier:
        what = "ids were made by an earlier spelling of addresses: a new report of one may get another id"
        yield finding("note", what, counted(earlier, "URL"), "docs/intake.md, Spelling")


def _settings(study: Study) -> Iterator[Finding]:
    config, lab = study.config, study.folder.lab
    if fault := not_a_contact(config.contact):
        yield finding("warning", NOBODY, f"contact {fault}", SET_CONTACT)
    server = lab.resolver if lab else config.names.resolver
    host = server.rpartition(":")[0].strip("[]")
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        yield finding(
            "warning",
            "names leave this machine",
            f"resolver {server} is not on loopback",
            "run a recursive resolver here and name it in [names] resolver",
        )
    networks = {config.network, *(vantage.network for vantage in config.vantages)}
    if len(networks) < config.judge.networks:
        yield finding(
            "note",
            "no unreachable host can count as down",
            f"{len(networks)} network, judge.networks is {config.judge.networks}",
            "add [[vantages]] in other networks if that matters",
        )
    views = {(config.network, None), *((vantage.network, vantage.agent) for vantage in config.vantages)}
    if len(views) < WITNESSES:
        yield finding(
            "note",
            "no redirect of a whole host can count as down",
            "one network with one user agent",
            "add [[vantages]] in another network, or with another agent, if that matters",
        )


def _keys(study: Study) -> Iterator[Finding]:
    checks = study.store.all(KeyCheck)
    broken = 0
    for check in checks:
        try:
            study.vault.verify(check)
        except KeyProblem:
            broken += 1
    numbers = ", ".join(str(check.key_number) for check in sorted(checks, key=lambda check: check.key_number))
    if broken or not checks:
        yield finding("problem", "keys do not fit this study", f"keys {numbers or 'none'}", f"restore them ({_SEE})")
    else:
        yield finding("note", "keys are readable", f"encryption key {numbers}")


def _canary(study: Study, conclusions: Conclusions) -> Iterator[Finding]:
    config = study.config.canary
    fault = canary_fault(config.targets, lab=study.folder.lab is not None)
    if fault:
        severity: Severity = "note" if len(config.targets) == 1 and not not_public(config.targets) else "problem"
        yield finding(severity, fault, counted(len(config.targets), "target"), NAME_CANARIES)
    looks, failed, last = Counter[str](), Counter[str](), dict[str, tuple[datetime, bool]]()
    for look in sorted(conclusions.facts.canaries, key=lambda look: look.observed_at):
        healthy = look.targets > 0 and look.reached >= config.need * look.targets
        looks[look.vantage] += 1
        failed[look.vantage] += not healthy
        last[look.vantage] = look.observed_at, healthy
    for vantage, times in sorted(failed.items()):
        if times:
            when, healthy = last[vantage]
            yield finding(
                "note" if healthy else "warning",
                f"canary failed at vantage {vantage}",
                f"{times} of {looks[vantage]} canary checks; last check {_at(when)} {'ok' if healthy else 'failed'}",
                "" if healthy else "mend this vantage's network; what it saw then is our_fault",
            )


def _quarantines(conclusions: Conclusions) -> Iterator[Finding]:
    """Quarantines, those of one feed with one status together and last."""
    feeds: dict[tuple[str, str], list[Quarantine]] = {}
    for one in conclusions.quarantines:
        if one.kind == "feed":
            feeds.setdefault((one.scope, one.status), []).append(one)
            continue
        what = f"{one.kind} quarantine{f' of {one.scope}' if one.scope else ''}, {one.status}"
        baseline = "" if one.usual is None else f", usually {percent(one.usual, 1)}"
        span = f"{_at(one.began_at)} to {_at(one.ended_at)}"
        figures = f"{one.quarantine_id}: {span}, {one.flipped} sites of {one.looked}{baseline}"
        if one.status == "open":
            yield finding(
                "warning", what, figures, "look into it, then: waterbed quarantine release|void ID --reason WHY"
            )
        else:
            yield finding("note", what, f"{figures}; {one.reason}")
    for (feed, status), small in feeds.items():
        last, others = small[-1], len(small) - 1
        figures = f"{last.quarantine_id}: {_at(last.began_at)}, {last.flipped} reports came of usually {last.looked}"
        figures += f"; and {others} earlier" if others else ""
        what = f"feed quarantine of {feed}, {status}"
        if status == "open":
            advice = "look into it, then: waterbed quarantine release|void ID --reason WHY; quarantine list shows all"
            yield finding("warning", what, figures, advice)
        else:
            yield finding("note", what, f"{figures}; {last.reason}")


def _unseen(conclusions: Conclusions) -> Iterator[Finding]:
    """Hosters at which many looks decide nothing.

    Our own faults are left out.
    """
    looks, unseen = Counter[str](), Counter[str]()
    why: dict[str, Counter[str]] = {}
    for verdict, attribution, times in conclusions.judged.told_of:
        if verdict.outcome in OURS:
            continue
        for key in attribution.hosters if attribution else ():
            looks[key] += times
            if verdict.state == "unknown":
                unseen[key] += times
                why.setdefault(key, Counter())[verdict.outcome] += times
    shares = {key: unseen[key] / looks[key] for key in looks if looks[key] >= _UNSEEN_LOOKS}
    for key in sorted(shares, key=lambda key: (-shares[key], key))[:_UNSEEN_ROWS]:
        if shares[key] >= _UNSEEN_SHARE:
            most = ", ".join(f"{outcome} {times:,}" for outcome, times in why[key].most_common(2))
            yield finding(
                "warning",
                f"much of hoster {key} is not observed",
                f"{unseen[key]:,} of {looks[key]:,} checks undecided ({percent(shares[key])}): {most}",
                "read worst and best case beside its share; if it is unobserved, add a vantage in another network",
            )


def _deliveries(study: Study, conclusions: Conclusions) -> Iterator[Finding]:
    """Feeds that are overdue, or whose last delivery was empty.

    Feeds that shrank are quarantines.
    """
    now = study.clock()
    times: dict[str, list[datetime]] = {}
    dry: dict[str, list[str]] = {}
    for delivery in sorted(conclusions.facts.deliveries, key=lambda delivery: delivery.received_at):
        times.setdefault(delivery.source, []).append(delivery.received_at)
        how = "" if delivery.reports else "rejected whole" if delivery.rejected else "empty"
        dry.setdefault(delivery.source, []).append(how)
    for source, came in sorted(times.items()):
        if how := dry[source][-1]:
            figures = f"of {_at(came[-1])}; {sum(one == how for one in dry[source])} of {len(came)} were"
            advice = "ask the source if it meant to send nothing; waterbed sources counts them"
            advice = advice if how == "empty" else "read why waterbed import rejects its lines, and import it again"
            yield finding("note", f"the last delivery of {source} was {how}", figures, advice)
        gaps = [(after - before).total_seconds() for before, after in pairwise(came)]
        if len(gaps) < 3:
            continue
        typical, waited = median(gaps), (now - came[-1]).total_seconds()
        if waited > max(_LATE_TIMES * typical, 3600.0):
            yield finding(
                "warning",
                f"no delivery of {source}",
                f"last {_at(came[-1])}, usually every {_hours(typical)}, now {_hours(waited)} ago",
                "find out why it does not come",
            )


def _schedule(study: Study) -> Iterator[Finding]:
    folder, due, lag = study.folder, TABLES[Due], study.schedule_lag()
    if lag.overdue and lag.late_max_s and lag.late_p50_s:
        yield finding(
            "warning",
            "checks are overdue",
            f"{lag.overdue:,} of {lag.due:,} that are due, the oldest for {_hours(lag.late_max_s)}, half for "
            f"{_hours(lag.late_p50_s)} or more",
            f"keep waterbed run going, on more machines if need be. {lag.sentence}",
        )
    elif lag.due_an_hour:
        yield finding("note", "the schedule is kept", lag.sentence)
    held = folder.store.count(Due, due.c.lease_run_id > "", due.c.lease_run_id.not_in(living(folder.store)))
    if held:
        yield finding(
            "warning", "dead runs hold checks", counted(held, "check"), "the next waterbed recheck takes them up"
        )


def _runs(study: Study) -> Iterator[Finding]:
    store = study.store
    runs = sorted(store.all(Run), key=lambda run: run.started_at)[-_RUNS:]
    ends = {end.run_id: end.outcome for end in store.all(RunEnd)}
    outcomes = [ends.get(run.run_id) for run in runs]
    bad = [outcome for outcome in outcomes if outcome in ("failed", "killed")]
    if bad:
        severity: Severity = "warning" if outcomes[-1] in ("failed", "killed") else "note"
        counted = ", ".join(f"{times} {outcome}" for outcome, times in sorted(Counter(bad).items()))
        advice = "see its log" if severity == "warning" else ""
        yield finding(severity, "runs did not end well", f"{counted} of the last {len(runs)}", advice)
    unended = len(store.unfinished_runs())
    if unended:
        yield finding("note", "runs without an end: going on, or killed", f"{unended}")


def _routes(study: Study, conclusions: Conclusions) -> Iterator[Finding]:
    days = [snapshot.data_date for snapshot in study.snapshots() if snapshot.kind == "routes"]
    if not days:
        yield finding("warning", "no routing table: nothing can be attributed", "0 tables", "waterbed tables add")
        return
    age = (study.clock() - max(days)) / timedelta(days=1)
    stale = conclusions.stale_looks
    allowed = study.config.routes_max_age_days
    if age > allowed or stale:
        yield finding(
            "warning",
            "routing tables are stale",
            f"newest of {max(days).date()}, {age:.0f} days old; {stale:,} checks attributed with a stale table",
            "waterbed tables add a table of these days",
        )


def _lists(study: Study) -> Iterator[Finding]:
    """Lists of IANA and of CDNs that are older than the settings allow."""
    today, allowed = study.clock().date(), study.config.lists_max_age_days
    for row in list_rows(study.path):
        age = (today - row.day).days
        if age > allowed:
            advice = f"get a newer one, then waterbed data renew {row.id} FILE --date DAY"
            yield finding("warning", f"the list {row.id} is old", f"of {row.day}, {age:,} days old", advice)


def _registrations(study: Study) -> Iterator[Finding]:
    """Addresses without a recent registration.

    Addresses for which registries are never asked are left out.
    """
    facts, fresh_days = study.store.all(Registration), study.config.registry.fresh_days
    known, now = RegistrationIndex(facts, fresh_days=fresh_days), study.clock()
    public = [address for address in known_resolved(study.folder) if ip_address(address).is_global]
    chains = [known.chain(address, now) for address in public]
    missing, stale = chains.count(None), sum(chain.stale for chain in chains if chain)
    if missing or stale:
        yield finding(
            "warning" if facts else "note",
            "networks without a fresh registration" if facts else "no registry was asked who holds the networks",
            f"{missing:,} of {len(public):,} addresses without, {stale:,} older than {fresh_days:g} days",
            "run waterbed enrich",
        )


def _domains(conclusions: Conclusions) -> Iterator[Finding]:
    """Ends of names of which registries were asked too late, where they are asked at all."""
    answers, within = conclusions.domains.answers, conclusions.name_ends.within
    ended = [one for one in conclusions.episodes if one.cause in NAME_ENDS and one.site_id in answers]
    late = [
        one
        for one in ended
        if one.cause == "name"
        and (down := one.first_down)
        and not any(down <= said.fetched_at <= down + within for said in answers[one.site_id])
    ]
    if late and conclusions.config.domains.categories:
        yield finding(
            "warning",
            "registries were not asked soon after names ended",
            f"{len(late):,} of {len(ended):,} ends without an answer from within {within.days} days",
            "run waterbed enrich after each pass: later answers do not tell who acted",
        )


def _hosters(study: Study) -> Iterator[Finding]:
    """Unsettled changes of the hoster book, and changes without effect."""
    book = study.book()
    idle = book.without_effect()
    of = Counter[str](book.statuses.get(change.change_id, "") for change in book.in_force)
    for status, what, advice in (
        ("unreviewed", "changes of hosters wait for review", "two others: waterbed hosters queue"),
        ("disputed", "changes of hosters are disputed", "a third person: waterbed hosters code ID CODE --adjudicate"),
    ):
        if of[status]:
            yield finding("warning", what, f"{of[status]:,}", advice)
    if idle:
        ids = ", ".join(change.change_id[:8] for change in idle[:5])
        figures = f"{len(idle):,}: {ids}{', ...' if len(idle) > 5 else ''}"
        yield finding(
            "warning",
            "changes of hosters have no effect",
            figures,
            "waterbed hosters show --table changes; then undo them",
        )


def _events(study: Study) -> Iterator[Finding]:
    for problem in events_in(study.path)[1]:
        yield finding(
            "problem", "an event file cannot be read", str(problem), "mend it: until then nothing is published"
        )


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
