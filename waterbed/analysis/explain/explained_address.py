"""What is known of one address, from each day on which something of it is new."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

from attribution.explain import Lasting, Sources, links_of_set
from attribution.snapshots import day_of
from waterbed.model.conclusions import ChainLink
from waterbed.model.facts import Registration, Resolution, Snapshot
from waterbed.store.lake.reading import facts_of
from waterbed.study.study import Study


def chain_of_address(study: Study, address: str, day: date | None) -> list[ChainLink]:
    """The chain of an address in its one spelling; with `day`, as of that day alone.

    Without a day each link stands once, from the first day on which it held; the last day is that of the newest data.
    """
    attributor, config = study.attributor(), study.config
    snapshots = study.snapshots()
    sources = Sources(snapshots, study.tables("hosting"), config.routes_max_age_days)
    today = study.clock().astimezone(UTC).date()
    days = [day] if day else sorted({*_days(study, snapshots, attributor.book.boundaries, address, today), today})
    lasting, changes = Lasting(), list[ChainLink]()
    for place, one in enumerate(days):
        noon = _noon(one)
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
    return [*timed, _seen(facts_of(study.folder, Resolution), address)]


def _days(
    study: Study, snapshots: Iterable[Snapshot], boundaries: Iterable[date], address: str, today: date
) -> Iterable[date]:
    """The days from which a table of its family, a registration around it, or the book is new; not those to come."""
    wanted = ip_address(address)
    known = {day_of(one.data_date) for one in snapshots if one.family in (wanted.version, 0)}
    known.update(day_of(one.fetched_at) for one in study.store.all(Registration) if _encloses(one, wanted))
    first = min(known, default=today)
    known.update(day for day in boundaries if day >= first)
    return (day for day in known if day <= today)


def _encloses(network: Registration, address: IPv4Address | IPv6Address) -> bool:
    if network.kind != "network" or not network.first or not network.last:
        return False
    first, last = ip_address(network.first), ip_address(network.last)
    return first.version == address.version and int(first) <= int(address) <= int(last)


def _seen(resolutions: Iterable[Resolution], address: str) -> ChainLink:
    """How many hosts of the study had the address, and when."""
    mine = [one for one in resolutions if address in one.addresses]
    hosts = len({one.host_id for one in mine})
    return ChainLink(
        about=address,
        step="seen",
        value=f"{hosts:,} host{'' if hosts == 1 else 's'} of the study",
        source="resolutions",
        since=min((one.resolved_at for one in mine), default=None),
        until=max((one.resolved_at for one in mine), default=None),
    )


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
