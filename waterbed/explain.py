"""Everything known about one URL, address or hoster, as a chain of links with source, date and rule."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import groupby

from attribution.explain import Sources, links_of_set
from attribution.members import as_of_key
from waterbed.conclude import Conclusions
from waterbed.model.bookkeeping import Forgotten
from waterbed.model.conclusions import Attribution, ChainLink, Verdict
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation, Registration
from waterbed.study import Study

_KEYED = re.compile("[0-9a-f]{32}")
_HOSTER = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*|AS[1-9]\d{0,9}|[a-z]+:[\w.@-]{1,80}")
_SEE = "docs/attribution.md, Explain"


def explain(study: Study, what: str, day: datetime | None = None) -> list[ChainLink]:
    """The chain of a URL (its id), an address or a hoster (its key); with `day`, as of that day alone.

    InputError for anything else, without repeating it: it could be an address of a report.
    """
    done = study.conclude()
    if _KEYED.fullmatch(what):
        return list(_url(study, done, what, day))
    if _is_address(what):
        return list(_of_address(study, done, what, day))
    if _HOSTER.fullmatch(what):
        return list(_hoster(study, done, what, day))
    raise InputError(
        "that is neither the id of a URL (url_id, 32 hexadecimal digits) nor an IP address nor the key of a hoster "
        f"(example-hosting, AS64500, ripe:ORG-AB1-RIPE); see {_SEE}"
    )


def _is_address(what: str) -> bool:
    try:
        ip_address(what)
    except ValueError:
        return False
    return True


def _link(about: str, step: str, value: str, source: str, when: datetime | None, **more: object) -> ChainLink:
    made = ChainLink(
        since=None,
        until=None,
        about=about,
        step=step,
        value=value,
        source=source,
        data_date=when,
        rule=None,
        confidence=None,
        note="",
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


def _url(study: Study, done: Conclusions, url_id: str, day: datetime | None) -> Iterator[ChainLink]:
    target = done.facts.targets.get(url_id)
    if target is None:
        gone = study.folder.store.by_ids(Forgotten, "entry_id", [url_id])
        why = "it was forgotten" if gone else "url_id of waterbed verdicts or episodes was expected"
        raise InputError(f"no URL of this study has the id {url_id}: {why}; see {_SEE}")
    for report in sorted(
        (report for report in done.facts.reports if report.url_id == url_id), key=lambda report: report.received_at
    ):
        yield _link(url_id, "report", report.category, report.source, report.reported_at or report.received_at)
    yield _link(url_id, "host", target.host_id, f"spelling {target.spelling}", target.added_at)
    yield _link(url_id, "site", target.site_id, f"suffix list {target.suffix_list}", target.added_at)
    rows = zip(done.facts.looks, done.verdicts, done.attributions, strict=True)
    own = [row for row in rows if row[0].url_id == url_id and (day is None or _same_day(row[0].observed_at, day))]
    yield from _looks(url_id, [(look, verdict) for look, verdict, _ in own])
    yield from _sets(study, done, url_id, [(look, made) for look, _, made in own if made])
    for episode in done.episodes:
        if episode.url_id == url_id and (day is None or episode.known_up_at <= day <= (episode.first_down or day)):
            ended = (
                f"{episode.cause} by {episode.first_down:%Y-%m-%d %H:%M}" if episode.first_down else "not seen to end"
            )
            yield _link(
                url_id,
                "episode",
                f"at {episode.hoster}, {ended}",
                "looks",
                None,
                since=episode.known_up_at,
                until=episode.last_up,
            )


def _same_day(moment: datetime, day: datetime) -> bool:
    return moment.astimezone(UTC).date() == day.astimezone(UTC).date()


def _looks(url_id: str, seen: Sequence[tuple[Observation, Verdict]]) -> Iterator[ChainLink]:
    """Looks with one and the same verdict, one after the other, as one link."""
    for (outcome, rule), group in groupby(seen, key=lambda pair: (pair[1].outcome, pair[1].rule)):
        looks = list(group)
        first, last = looks[0][1].observed_at, looks[-1][1].observed_at
        status = sorted({str(look.status or look.failure) for look, _ in looks})
        yield _link(
            url_id,
            "look",
            f"{outcome}: {len(looks)} looks, answers {', '.join(status)}",
            looks[0][1].ruleset,
            last,
            since=first,
            until=last,
            rule=rule,
        )


def _sets(
    study: Study, done: Conclusions, url_id: str, seen: Sequence[tuple[Observation, Attribution]]
) -> Iterator[ChainLink]:
    """The chain of each stretch of looks that were attributed alike, and what changed from one to the next."""
    sources, before = Sources(study.snapshots()), None
    for _, group in groupby(seen, key=lambda pair: replace(pair[1], day=_NO_DAY)):
        looks = list(group)
        first, last = looks[0][0].observed_at, looks[-1][0].observed_at
        look, made = looks[0]
        if before is not None:
            yield _link(url_id, "change", _changed(before, made), "looks", first, since=first)
        before = made
        tags = done.facts.resolutions[look.resolution_id].tags if look.resolution_id else ()
        for tag in tags:
            yield _link(url_id, "tag", tag, "known infrastructure", first, since=first, until=last)
        yield from links_of_set(
            done.attributor,
            made,
            sources,
            about=url_id,
            known_origin=done.origin_behind(look),
            behind_cdn="cdn" in tags,
            since=first,
            until=last,
        )


_NO_DAY = datetime(1970, 1, 1, tzinfo=UTC)


def _changed(before: Attribution, now: Attribution) -> str:
    """Which of the things that are known of two sets differ."""
    said = []
    for name, label in (
        ("addresses", "addresses"),
        ("origins", "origin ASes"),
        ("operators", "operators"),
        ("hosters", "hosters"),
        ("countries", "countries"),
        ("rule", "rule"),
        ("routes_date", "table of routes"),
        ("registered_at", "registration"),
    ):
        if getattr(before, name) != getattr(now, name):
            said.append(label)
    return ", ".join(said) or "how well it is founded"


def _of_address(study: Study, done: Conclusions, address: str, day: datetime | None) -> Iterator[ChainLink]:
    """The chain of an address on each day from which some table or registration is new, or on one day."""
    days = [day] if day else _days(study, address)
    sources, before = Sources(study.snapshots()), None
    for moment in days or [study.folder.clock()]:
        made = done.attributor.attribute((address,), None, moment)
        if before is not None:
            if replace(before, day=moment) == made:
                continue
            yield _link(address, "change", _changed(before, made), "tables", moment, since=moment)
        before = made
        yield from links_of_set(done.attributor, made, sources, about=address, since=moment)
    seen = sorted({r.host_id for r in done.facts.resolutions.values() if address in r.addresses})
    yield _link(address, "hosts seen there", f"{len(seen):,}", "resolutions", None)


def _days(study: Study, address: str) -> list[datetime]:
    """The days from which a table of its family, or a registration around it, is new."""
    wanted = ip_address(address)
    tables = {one.data_date for one in study.snapshots() if one.family in (wanted.version, 0)}
    return sorted(
        tables | {_noon(one.fetched_at) for one in study.folder.store.all(Registration) if _encloses(one, wanted)}
    )


def _encloses(network: Registration, address: IPv4Address | IPv6Address) -> bool:
    if network.kind != "network" or not network.first or not network.last:
        return False
    first, last = ip_address(network.first), ip_address(network.last)
    return first.version == address.version and int(first) <= int(address) <= int(last)


def _noon(moment: datetime) -> datetime:
    return _noon_of(moment.astimezone(UTC).date())


def _hoster(study: Study, done: Conclusions, key: str, day: datetime | None) -> Iterator[ChainLink]:
    """What the book says of a hoster, and what the study saw of it."""
    book, moment = study.book(), day or study.folder.clock()
    today = book.on(moment.astimezone(UTC).date())
    seen = [(look, made) for look, made in zip(done.facts.looks, done.attributions, strict=True) if made]
    mine = [(look, made) for look, made in seen if key in made.hosters]
    if not today.exists(key) and not mine and as_of_key(key) is None:
        raise InputError(f"no hoster of this study has the key {key}; waterbed hosters show lists them; see {_SEE}")
    name = done.attributor.name_of(key)
    note = "decision not seen by two people" if today.unreviewed(key) else ""
    yield _link(key, "name", name, "book of hosters", moment, note=note)
    yield _link(key, "kind", today.kind(key), today.origin(key) or "nobody claims it", moment)
    if today.country(key):
        yield _link(key, "legal seat", str(today.country(key)), "book of hosters", moment)
    if today.resolve(key) != key:
        yield _link(key, "part of", today.resolve(key), "book of hosters", moment)
    for member in today.members(key):
        yield _link(key, "member", member, "book of hosters", moment)
    for old, new, since in book.lineage():
        if key in (old, new):
            yield _link(key, "succession", f"{new} took over from {old}", "book of hosters", _noon_of(since))
    urls = {look.url_id for look, _ in mine}
    if mine:
        first, last = min(look.observed_at for look, _ in mine), max(look.observed_at for look, _ in mine)
        yield _link(key, "seen", f"{len(urls):,} URLs in {len(mine):,} looks", "looks", last, since=first, until=last)
    for rule, group in groupby(sorted(made.rule for _, made in mine)):
        yield _link(key, "chosen by", f"{len(list(group)):,} looks", mine[0][1].ruleset, None, rule=rule)
    for role in ("proxies", "operators", "upstreams", "as_holders", "known_origins"):
        looks = sum(key in getattr(made, role) for _, made in seen)
        if looks:
            yield _link(key, "role", f"{role.replace('_', ' ')} of {looks:,} looks", "looks", None)


def _noon_of(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
