"""The chain behind one hoster or address.

The book's entries, who decided them, and the study's looks.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address

import numpy as np

from waterbed.attribution.explain import BOOK, UNSEEN, Sources, Validity, links_of_set
from waterbed.attribution.hosters.book import HosterBook
from waterbed.attribution.hosters.day import BookOfDay
from waterbed.attribution.hosters.listing import change_rows
from waterbed.attribution.hosters.members import as_of_key
from waterbed.attribution.lookups.tables.geoip import SEE, opinions
from waterbed.attribution.snapshots import day_of
from waterbed.judging.columns import NOTHING
from waterbed.model.codec import moment
from waterbed.model.conclusions import ChainLink
from waterbed.model.facts import Resolution, Snapshot
from waterbed.model.registrations import Registration
from waterbed.store.bounded.memory import bounded_work
from waterbed.store.lake.kinds import DAY_US, number_of
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import selected
from waterbed.study.study import Study

_HOSTS = """
SELECT host_id, min(epoch_us(resolved_at)) AS first, max(epoch_us(resolved_at)) AS last
FROM resolution WHERE list_contains(addresses, $address) GROUP BY host_id
"""
_ROLES = {
    "proxies": "reverse proxy",
    "known_origins": "known origin",
    "operators": "operator",
    "as_holders": "AS holder",
    "upstreams": "upstream",
}


def chain_of_hoster(study: Study, key: str, day: date | None) -> list[ChainLink] | None:
    """The chain of a hoster by its key.

    None if the hoster is unknown; with `day`, as of that day.
    """
    conclusions, book = study.conclude(), study.book()
    on = day or day_of(study.clock())
    today = book.on(on)
    seen = list(_seen(conclusions, key, day))
    is_known = key in today.entities or key in today.held() or bool(change_rows(book, key))
    if not is_known and not seen and as_of_key(key) is None:
        return None
    if not seen:
        seen = [ChainLink(about=key, step="seen", value="in no check", source="looks")]
    return [*_entity(conclusions, today, key, on), *_decided(book, key), *seen]


def _entity(conclusions: Conclusions, today: BookOfDay, key: str, on: date) -> Iterator[ChainLink]:
    when = datetime.combine(on, time(12), UTC)
    note = UNSEEN if today.unreviewed(key) else ""
    source = {"known": "known proxies and platforms", "file": "hosters.toml", "decided": "decisions"}.get(
        today.origin(key) or "", BOOK if key in today.held() else "nobody claims it"
    )
    name = conclusions.attributor.name_of(key)
    yield ChainLink(about=key, step="name", value=name, source=source, data_date=when, note=note)
    yield ChainLink(about=key, step="kind", value=today.kind(key), source=source, data_date=when)
    yield ChainLink(about=key, step="hosting type", value=today.hosting_type(key), source=BOOK, data_date=when)
    seat, members = today.country(key), today.members(key)
    company = today.company(key)
    if seat:
        yield ChainLink(about=key, step="legal seat", value=seat, source=source, data_date=when)
    if company != key:
        note = UNSEEN if today.unreviewed(company) else ""
        yield ChainLink(about=key, step="part of", value=company, source=BOOK, data_date=when, note=note)
    elif not members:
        yield ChainLink(about=key, step="member", value="none on this day", source=BOOK, data_date=when)
    for member in members:
        yield ChainLink(about=key, step="member", value=member, source=BOOK, data_date=when)


def _decided(book: HosterBook, key: str) -> Iterator[ChainLink]:
    """The book's changes that name the hoster, with their status."""
    for row in change_rows(book, key):
        whom = {
            "merge": f"{row.key} is part of {row.into}",
            "succession": f"{row.into} took over from {row.key}",
            "proposal": f"{row.into} may have taken over from {row.key}, or be one with it"
            if row.into
            else f"{row.key} may mostly offer {row.hosting_type} hosting",
            "split": f"{' '.join(row.members)} of {row.into} became {row.key}",
            "undo": f"of {row.key}",
        }.get(row.kind, row.key)
        since = f" from {row.since}" if row.since else ""
        yield ChainLink(
            about=key,
            step=row.kind,
            value=f"{whom}{since}: {row.reason}",
            source=f"decision {row.change_id[:8]} of {row.who}",
            data_date=row.decided_at,
            note=row.status,
        )


def _seen(conclusions: Conclusions, key: str, day: date | None) -> Iterator[ChainLink]:
    """The looks that name the hoster, by role.

    As hoster and in other roles; with `day`, those of that day.
    """
    judged = conclusions.judged
    attributions = judged.made
    total, names_hoster = (
        np.zeros(len(attributions), np.int64),
        np.array([key in attribution.hosters for attribution in attributions], bool),
    )
    urls, times = 0, list[int]()
    for its in judged.blocks():
        chosen = its.attributed != NOTHING
        if day is not None:
            chosen &= its.block.at // DAY_US == number_of(day)
        places = np.flatnonzero(chosen)
        total += np.bincount(its.attributed[places], minlength=len(attributions))
        hoster_indices = places[names_hoster[its.attributed[places]]]
        if len(hoster_indices):
            urls += len(np.unique(its.block.url[hoster_indices]))
            times += [int(its.block.at[hoster_indices].min()), int(its.block.at[hoster_indices].max())]
    counts = total.tolist()
    if times:
        first, last = moment(min(times)), moment(max(times))
        value = f"{urls:,} URL{'' if urls == 1 else 's'} in {_looks(int(total[names_hoster].sum()))}"
        yield ChainLink(about=key, step="seen", value=value, source="looks", data_date=last, since=first, until=last)
    rules = Counter[tuple[str, str]]()
    for attribution, count in zip(attributions, counts, strict=True):
        if key in attribution.hosters and count:
            rules[attribution.rule, attribution.ruleset] += count
    for (rule, ruleset), count in sorted(rules.items()):
        yield ChainLink(about=key, step="chosen by rule", value=_looks(count), source=ruleset, rule=rule)
    for role, called in _ROLES.items():
        count = sum(
            count for attribution, count in zip(attributions, counts, strict=True) if key in getattr(attribution, role)
        )
        if count:
            yield ChainLink(about=key, step=called, value=f"of {_looks(count)}", source="looks")
    platform = sum(
        count for attribution, count in zip(attributions, counts, strict=True) if key == attribution.platform
    )
    if platform:
        yield ChainLink(about=key, step="platform", value=f"of {_looks(platform)}", source="looks")


def _looks(count: int) -> str:
    return f"{count:,} check{'' if count == 1 else 's'}"


def chain_of_address(study: Study, address: str, day: date | None) -> list[ChainLink]:
    """The chain of an address in canonical form.

    With `day`, as of that day alone. Without a day each link stands once, from the first day on which it held; the last
    day is that of the newest data.
    """
    attributor, config = study.attributor(), study.config
    snapshots = study.snapshots()
    sources = Sources(snapshots, study.tables("hosting"), config.routes_max_age_days)
    today = study.clock().astimezone(UTC).date()
    days = [day] if day else sorted({*_days(study, snapshots, attributor.book.boundaries, address, today), today})
    lasting, changes = Validity(), list[ChainLink]()
    for place, current_day in enumerate(days):
        noon = _noon(current_day)
        links = links_of_set(attributor, attributor.attribute((address,), None, noon), sources, about=address)
        until = _noon(days[place + 1] - timedelta(days=1)) if place + 1 < len(days) else noon if day else None
        new = lasting.take(links, noon, until)
        if new:
            changes.append(
                ChainLink(
                    about=address,
                    step="change",
                    value=", ".join(new),
                    source="tables, registries, book",
                    data_date=noon,
                    since=noon,
                    until=noon,
                )
            )
    timed = sorted([*changes, *lasting.links()], key=lambda link: link.since or noon)
    return [*timed, *_second_opinions(study, address), _seen_at_address(study, address)]


def _second_opinions(study: Study, address: str) -> Iterator[ChainLink]:
    """What the user's MaxMind databases say of an address.

    Each is read in a process of its own, as damaged ones end it.
    """
    for name in study.config.geoip:
        path = study.folder.path / name
        for opinion in bounded_work(path, SEE, partial(opinions, path, address)):
            yield ChainLink(
                about=address,
                step=f"second opinion: {opinion.what}",
                value=opinion.value,
                source=opinion.source,
                data_date=opinion.built_at,
                note="no conclusion rests on it",
            )


def _days(
    study: Study, snapshots: Iterable[Snapshot], boundaries: Iterable[date], address: str, today: date
) -> Iterable[date]:
    """The days on which data about an address change.

    A table of its family, a registration around it, or the book is new then; days to come are left out.
    """
    ip = ip_address(address)
    days = {day_of(snapshot.data_date) for snapshot in snapshots if snapshot.family in (ip.version, 0)}
    days.update(
        day_of(registration.fetched_at) for registration in study.store.all(Registration) if _encloses(registration, ip)
    )
    first = min(days, default=today)
    days.update(day for day in boundaries if day >= first)
    return (day for day in days if day <= today)


def _encloses(network: Registration, address: IPv4Address | IPv6Address) -> bool:
    if network.kind != "network" or not network.first or not network.last:
        return False
    first, last = ip_address(network.first), ip_address(network.last)
    return first.version == address.version and int(first) <= int(address) <= int(last)


def _seen_at_address(study: Study, address: str) -> ChainLink:
    """The number of hosts that had the address, with dates."""
    read = ("host_id", "resolved_at", "addresses")
    table = selected(study.folder, Resolution, read, _HOSTS, {"address": address})
    hosts, firsts, lasts = (table.column(name).to_pylist() for name in ("host_id", "first", "last"))
    count = len(set(hosts))
    return ChainLink(
        about=address,
        step="seen",
        value=f"{count:,} host{'' if count == 1 else 's'} of the study",
        source="resolutions",
        since=moment(min(firsts)) if firsts else None,
        until=moment(max(lasts)) if lasts else None,
    )


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
