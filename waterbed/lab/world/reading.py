"""Reads world files, and names their mistakes."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path

import msgspec

from waterbed.lab.world.file import BEYOND, CANARY_NETWORKS, Hoster, Network, World
from waterbed.model.errors import InputError
from waterbed.model.redaction import shown
from waterbed.store.bounded.toml import decode, toml_bytes

_SCENARIOS = Path(__file__).parent / "scenarios"
_SEE = "docs/lab.md, World files"


def scenario_path(name: str) -> Path:
    """Find a shipped scenario by name, else return the path."""
    shipped = _SCENARIOS / f"{name}.toml"
    if shipped.is_file():
        return shipped
    path = Path(name)
    if path.is_file():
        return path
    known = ", ".join(sorted(p.stem for p in _SCENARIOS.glob("*.toml")))
    raise InputError(f"{shown(name)} is neither a file nor one of the scenarios {known} ({_SEE})")


def scenario_event(name: str) -> bytes | None:
    """The event file of a shipped scenario, or None."""
    path = _SCENARIOS / "events" / f"{name}.toml"
    return toml_bytes(path, "an event file", "docs/displacement.md, The event file") if path.is_file() else None


def read_world(path: Path) -> World:
    """Read a world file; InputError names its first mistake."""
    return parse_world(toml_bytes(path, "a world file", _SEE), str(path))


def parse_world(data: bytes | str, where: str = "the world file") -> World:
    """Read a world from TOML; errors begin with `where`."""
    try:
        world = decode(data, type=World)
    except msgspec.DecodeError as problem:
        raise InputError(f"{where}: {problem}; a world file was expected ({_SEE})") from None
    for mistake in _mistakes(
        world, {"canary": CANARY_NETWORKS, **{key: (network,) for key, network in BEYOND.items()}}
    ):
        raise InputError(f"{where}: {mistake} ({_SEE})")
    return world


def _mistakes(world: World, reserved: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield one sentence for each mistake.

    `reserved` prefixes are the lab's own, by purpose.
    """
    if world.start.tzinfo is None:
        yield "start lacks a time zone, for example 2025-04-01T00:00:00Z"
    taken: list[tuple[str, Network]] = [
        (f"the lab's {use}", ip_network(prefix)) for use, prefixes in reserved.items() for prefix in prefixes
    ]
    yield from _hoster_mistakes(world, taken, set(reserved))
    yield from _range_mistakes(world)
    keys = {hoster.key for hoster in world.hoster}
    prefixes = {prefix for hoster in world.hoster for prefix in (*hoster.v4, *hoster.v6)}
    for change in world.renumbering:
        if change.hoster not in keys or change.prefix not in prefixes:
            yield f"the renumbering of {change.hoster} into {change.prefix} must name a hoster's key and a prefix"
    for feed in world.feed:
        if feed.hoster not in keys:
            yield f"the feed change's hoster {feed.hoster} is not among the hosters' keys"
    for event in world.intervention:
        if event.hoster not in keys:
            yield f"the intervention's hoster {event.hoster} is not among the hosters' keys"
    for seizure in world.seizure:
        if seizure.hoster and seizure.hoster not in keys:
            yield f"the seizure's hoster {seizure.hoster} is not among the hosters' keys"
    yield from _paper_mistakes(world, {hoster.key: hoster for hoster in world.hoster})
    for outage in world.outage:
        if outage.to_hour <= outage.from_hour:
            yield f"the outage from hour {outage.from_hour:g} must end after it begins"


def _hoster_mistakes(world: World, taken: list[tuple[str, Network]], seen: set[str]) -> Iterator[str]:
    numbers: set[int] = set()
    for hoster in world.hoster:
        if hoster.key in seen:
            yield f"the hoster key {hoster.key} is given twice, or is the lab's own"
        for asn in sorted({hoster.asn, *hoster.further_as.values()} & numbers):
            yield f"hoster {hoster.key}: the AS number {asn} is another hoster's already"
        seen.add(hoster.key)
        numbers |= {hoster.asn, *hoster.further_as.values()}
        if (hoster.kind == "platform") != bool(hoster.suffixes):
            yield f"hoster {hoster.key}: platforms, and only platforms, have suffixes"
        if hoster.kind == "platform" and hoster.removal.answer_after_removal == "parked":
            yield f"hoster {hoster.key}: a platform's names are its own and cannot be parked"
        if hoster.link_check and hoster.kind != "platform":
            yield f"hoster {hoster.key}: only a platform can have link checks"
        if not hoster.v4 and hoster.key not in {renaming.to for renaming in world.renaming}:
            yield f"hoster {hoster.key} needs a v4 prefix"
        yield from _prefix_mistakes(hoster, taken)
    if not any(h.kind == "hoster" and h.weight > 0 for h in world.hoster):
        yield "at least one hoster of kind hoster needs a weight above 0"
    if world.sites.behind_proxy and not any(h.kind == "proxy" and h.weight > 0 for h in world.hoster):
        yield "sites.behind_proxy is above 0, but no hoster of kind proxy has a weight above 0"


def _paper_mistakes(world: World, known: Mapping[str, Hoster]) -> Iterator[str]:
    """Yield mistakes about resellers, joint announcements, sales, renamings, frontings."""
    for hoster in world.hoster:
        for other in (*([hoster.within] if hoster.within else ()), *hoster.also_announced_by):
            if other not in known or other == hoster.key:
                yield f"hoster {hoster.key}: {other} is not the key of another hoster"
        wider = known[hoster.within].networks() if hoster.within in known else ()
        for network in hoster.networks() if wider else ():
            if not any(n.version == network.version and network.subnet_of(n) for n in wider):  # type: ignore[arg-type]  # versions are equal
                yield f"hoster {hoster.key}: {network} lies in no prefix of {hoster.within}"
    prefixes = {prefix for hoster in world.hoster for prefix in (*hoster.v4, *hoster.v6)}
    for sale in world.sale:
        if sale.prefix not in prefixes or sale.to not in known:
            yield f"the sale of {sale.prefix} to {sale.to} must name a hoster's prefix and another hoster's key"
    for renaming in world.renaming:
        new = known.get(renaming.to)
        if renaming.hoster not in known or new is None or new.networks() or new.weight:
            yield f"{renaming.hoster} must become a hoster without prefixes and with weight 0, not {renaming.to}"
    for fronting in world.fronting:
        if fronting.proxy not in known or known[fronting.proxy].kind != "proxy":
            yield f"the front {fronting.proxy} is not the key of a hoster of kind proxy"
        if fronting.until_day is not None and fronting.until_day <= fronting.day:
            yield f"the front {fronting.proxy} must go after day {fronting.day:g}, on which it comes"


def _prefix_mistakes(hoster: Hoster, taken: list[tuple[str, Network]]) -> Iterator[str]:
    for family, prefixes in ((4, hoster.v4), (6, hoster.v6)):
        for prefix in prefixes:
            try:
                network = ip_network(prefix)
            except ValueError:
                yield f"hoster {hoster.key}: {prefix} is not a network prefix"
                continue
            if network.version != family or not network.is_global or network.num_addresses < 16:
                yield f"hoster {hoster.key}: {prefix} is not a public IPv{family} prefix of 16 addresses or more"
            for other, theirs in taken:
                inside = hoster.within and other == f"hoster {hoster.within}"
                if network.version == theirs.version and network.overlaps(theirs) and not inside:
                    yield f"hoster {hoster.key}: {prefix} overlaps a prefix of {other}"
            taken.append((f"hoster {hoster.key}", network))


def _range_mistakes(world: World) -> Iterator[str]:
    sites, movement = world.sites, world.movement
    ranges: list[tuple[str, float, float]] = [
        ("sites.urls_per_site", *sites.urls_per_site),
        ("sites.up_before_hours", *sites.up_before_hours),
        ("sites.turn_hours", *sites.turn_hours),
        ("movement.delay_hours", *movement.delay_hours),
        ("movement.report_delay_hours", *movement.report_delay_hours),
    ]
    if sites.reported_over_days:
        ranges.append(("sites.reported_over_days", *sites.reported_over_days))
    for hoster in world.hoster:
        ranges.append((f"hoster {hoster.key}: removal.put_back_hours", *hoster.removal.put_back_hours))
        first, last = hoster.removal.office_hours
        if not 0 <= first < last <= 24:
            yield f"hoster {hoster.key}: removal.office_hours = [{first:g}, {last:g}] must begin and end within one day"
    for name, low, high in ranges:
        if not 0 <= low <= high:
            yield f"{name} = [{low:g}, {high:g}] must be two numbers, not negative, the smaller first"
    if sites.urls_per_site[0] < 1:
        yield "sites.urls_per_site must begin at 1 or more"
    for name, values in (("suffixes", sites.suffixes), ("categories", sites.categories), ("sources", sites.sources)):
        if not values:
            yield f"sites.{name} must not be empty"
    if movement.after_takedown and not movement.relocation + movement.copy + movement.back:
        yield "movement.relocation, movement.copy and movement.back must not all be 0 when content moves"
