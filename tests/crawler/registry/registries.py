"""A lab study whose addresses lie in networks that loopback registries know."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

from waterbed.crawler.registry.clock import SkippingClock
from waterbed.lab.servers.rdap import RdapServers
from waterbed.lab.servers.rdap_data import TrueNetwork
from waterbed.model.facts import Resolution
from waterbed.store.config import Config
from waterbed.store.folder import Folder, create_folder
from waterbed.store.machine_settings import Lab
from waterbed.store.settings import Registry

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BLOCKS = {"ripe": "80.0.0.0/8", "arin": "64.0.0.0/8", "apnic": "110.0.0.0/8", "lacnic": "177.0.0.0/8"}
"""A block of each registry, as IANA gave it; `afrinic` has the addresses of IPv6."""


def networks(count: int, *, seed: int = 1, rotten: float = 0.0) -> list[TrueNetwork]:
    """Customers' /24 networks below providers' /16 networks, spread over five registries; each fault in its share."""
    rng = random.Random(seed)
    found: list[TrueNetwork] = []
    for number in range(count):
        registry = [*BLOCKS, "afrinic"][number % 5]
        place, provider = number // 5, number // 5 // 40
        block = ip_network(BLOCKS.get(registry, "2c00::/12"))
        bits, size = (16, 24) if block.version == 4 else (32, 48)
        of = block.network_address + (provider << block.max_prefixlen - bits)
        if place % 40 == 0:
            found.append(
                TrueNetwork(
                    registry=registry,
                    prefix=f"{of}/{bits}",
                    handle=f"{registry.upper()}-P{provider}",
                    holder=f"ORG-P{provider}",
                    allocation="ALLOCATED PA",
                    abuse=f"abuse@p{provider}.example",
                )
            )
        start = of + (place % 40 << block.max_prefixlen - size)
        found.append(
            TrueNetwork(
                registry=registry,
                prefix=f"{start}/{size}",
                handle=f"{registry.upper()}-C{place}",
                parent=f"{registry.upper()}-P{provider}",
                holder=f"ORG-C{place}",
                holder_name="Jo Doe" if place % 7 == 0 else f"Customer {place} B.V.",
                holder_kind="individual" if place % 7 == 0 else "org",
                abuse=f"abuse@c{place}.example" if place % 3 else None,
                abuse_depth=place % 4,
                country=None if place % 5 == 0 else "NL",
                up=("parent", "missing", "parent", "self")[place % 4] if place % 11 == 0 else "parent",
                rotten=rng.choice(("garbage", "limited_html", "error", "loop")) if rng.random() < rotten else None,
            )
        )
    return found


def addresses_in(known: Sequence[TrueNetwork], each: int = 2) -> list[str]:
    """Addresses in each of the customers' networks."""
    return [
        str(ip_address(int(ip_network(one.prefix).network_address) + 10 + n))
        for one in known
        if one.parent
        for n in range(each)
    ]


def resolved(addresses: Sequence[str], when: datetime = NOON) -> list[Resolution]:
    """That hosts were resolved to these addresses."""
    return [
        Resolution(
            resolution_id=f"{number:032x}",
            host_id=f"{number:032x}",
            run_id="0" * 32,
            vantage="here",
            status="ok",
            addresses=(address,),
            cname_ids=(),
            ttl_s=60,
            ede=(),
            resolver="127.0.0.1:53",
            resolved_at=when,
        )
        for number, address in enumerate(addresses)
    ]


def lab_folder(path: Path, servers: RdapServers, addresses: Sequence[str], **settings: object) -> Folder:
    """A lab study that knows some addresses and where the registries are played."""
    registry = Registry(bases=servers.bases, timeout_s=0.5, **settings)  # type: ignore[arg-type]  # settings by name
    lab = Lab(resolver="127.0.0.1:9", clock=NOON, connect_to=())
    folder = create_folder(path, Config(study=f"{random.getrandbits(64):016x}", registry=registry), lab)
    folder.store.add(resolved(addresses))
    return folder


def clock() -> SkippingClock:
    """The lab's time, for crawl and servers."""
    return SkippingClock(NOON)
