"""Proves that registries are asked politely: thousands of networks, one registry at ten questions a minute."""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.crawler.registry.registries import NOON, addresses_in, clock, lab_folder, networks
from waterbed.crawler.registry.run import enrich
from waterbed.lab.servers.rdap import RdapServers, RegistryBehaviour
from waterbed.lab.servers.rdap_data import Registries
from waterbed.model.registrations import Registration

LIMITS = {"lacnic": 10.0, "ripe": 60.0, "arin": 30.0, "apnic": 30.0, "afrinic": 20.0}
FAULTS = {
    "limited_seconds": 0.02,
    "limited_date": 0.02,
    "limited": 0.01,
    "limited_html": 0.01,
    "error": 0.02,
    "error_html": 0.02,
    "garbage": 0.01,
    "truncated": 0.01,
    "html": 0.01,
    "odd_type": 0.05,
    "reset": 0.01,
    "slow": 0.001,
}


def uncovered(facts, addresses):
    """The addresses that no registration encloses and no dated reason names; a plain scan of the ranges by length."""
    ranges = {(fact.first, fact.last) for fact in facts if fact.status == "ok" and fact.kind == "network"}
    known = {ip_network(net) for first, last in ranges for net in _prefixes(first, last)}
    lengths = {(net.version, net.prefixlen) for net in known}
    failed = {fact.asked for fact in facts if fact.status != "ok" and fact.reason and fact.level == 0}
    return [
        address
        for address in addresses
        if address not in failed
        and not any(
            ip_network(f"{address}/{length}", strict=False) in known
            for version, length in lengths
            if version == ip_address(address).version
        )
    ]


def _prefixes(first, last):
    size = int(ip_address(last)) - int(ip_address(first)) + 1
    return [f"{first}/{ip_address(first).max_prefixlen - size.bit_length() + 1}"]


async def prove(count, seed):
    """Crawl a world of so many networks twice; returns what is wrong."""
    known = networks(count, seed=seed, rotten=0.01)
    addresses = addresses_in(known)
    behaviours = {
        name: RegistryBehaviour(a_minute=int(limit), faults=FAULTS, slow_s=0.7) for name, limit in LIMITS.items()
    }
    lab = clock()
    wrong = []
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CONFIG_HOME"] = f"{place}/config"
        async with RdapServers(Registries(known), lab.now, behaviours, seed=seed) as servers:
            folder = lab_folder(Path(place) / "study", servers, addresses, a_minute=LIMITS, retry_hours=48.0)
            began = time.perf_counter()
            report = await enrich(folder, clock=lab, rng=random.Random(seed))
            seconds, virtual = time.perf_counter() - began, lab.now() - NOON
            facts = folder.store.all(Registration)
            for row in report.rows:
                most = servers.most_in_a_minute(row.registry)
                print(
                    f"{row.registry:8} {row.asked:6,} asked {row.ok:6,} ok {row.covered:6,} covered "
                    f"{row.requests:6,} requests, most in a minute {most} of {LIMITS[row.registry]:g}; "
                    f"{'; '.join(row.failed)}"
                )
                if most > LIMITS[row.registry]:
                    wrong.append(f"{row.registry} was asked {most} times in a minute")
            lost = uncovered(facts, addresses)
            if lost:
                wrong.append(f"{len(lost)} addresses have neither a registration nor a reason")
            if report.requests != servers.requests:
                wrong.append(f"{report.requests} requests counted, {servers.requests} received")
            if report.without > 0.03 * len(addresses):
                wrong.append(f"{report.without} addresses stayed without registration")
            again = await enrich(folder, clock=lab)
            if again.requests:
                wrong.append(f"a second crawl sent {again.requests} requests")
            folder.close()
    outcomes = Counter((fact.level, fact.status) for fact in facts)
    print(
        f"{count:,} networks, {len(addresses):,} addresses, {report.requests:,} requests, {report.without} without; "
        f"{timedelta(seconds=round(virtual.total_seconds()))} of the lab's time in {seconds:.1f} s"
    )
    print("facts:", ", ".join(f"level {level} {status} {n:,}" for (level, status), n in sorted(outcomes.items())))
    return wrong


def main() -> int:
    """Run it and say what is wrong."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--networks", type=int, default=5000)
    words.add_argument("--seed", type=int, default=int(time.time()))
    asked = words.parse_args()
    print(f"seed {asked.seed}")
    wrong = asyncio.run(prove(asked.networks, asked.seed))
    for one in wrong:
        print("WRONG:", one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
