"""Proves that every domain ends registered, not registered, or with a dated reason, under registries' limits."""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.registry import FAULTS
from tests.crawler.registry.registries import NOON, clock
from waterbed.crawler.registry.run import enrich
from waterbed.lab.servers.rdap import RdapServers, RegistryBehaviour
from waterbed.lab.servers.rdap_data import Registries
from waterbed.lab.servers.rdap_domains import TrueDomain
from waterbed.model.registrations import DomainRegistration
from waterbed.store.config import Config
from waterbed.store.machine_settings import Lab
from waterbed.store.settings import Domains, Registry
from waterbed.study.study import create_study

LIMITS = {"com": 60.0, "net": 60.0, "org": 30.0, "xyz": 20.0, "nl": 10.0}
WEIGHTS = {"com": 12.0, "net": 3.0, "org": 2.0, "xyz": 2.0, "nl": 1.0, "be": 0.4}
"""How many names lie under each top-level domain; nobody is known to keep the register of the last one."""
STATES = (("active",), ("client hold",), ("server hold",), ("pending delete", "redemption period"))


def drawn(count, rng):
    """So many names, and the domains that are registered among them: nine of ten, some with broken answers."""
    tlds = rng.choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=count)
    names = [f"site-{number:05}.{tld}" for number, tld in enumerate(tlds)]
    known = [
        TrueDomain(
            name=name,
            registrar=rng.choice((146, 292, 1068, None)),
            created=NOON - timedelta(days=rng.uniform(1, 700)),
            expires=NOON + timedelta(days=rng.uniform(-30, 700)),
            states=rng.choice(STATES),
            spelling=rng.choice(("rdap", "epp", "linked")),
            rotten=rng.choice(("garbage", "refused", "error", "loop", "away")) if rng.random() < 0.01 else None,
        )
        for name in names
        if rng.random() < 0.9
    ]
    return names, known


def checked(facts, names, known, vault):
    """What is wrong with the facts: a name without one, an answer that is not the registry's, no reason given."""
    last = {fact.site_id: fact for fact in facts}
    truth = {one.name: one for one in known}
    for name in names:
        fact = last.get(vault.keyed_id("site", name))
        if fact is None:
            yield "a domain has neither an answer nor a reason"
        elif fact.status == "ok":
            one = truth.get(name)
            registrar = one and (f"iana:{one.registrar}" if one.registrar else f"{one.registry}:LAB-REGISTRAR")
            if one is None or fact.states != tuple(sorted(one.states)) or fact.registrar != registrar:
                yield "an answer is not what the registry knows"
        elif fact.status == "not_found":
            if name in truth:
                yield "a registered domain is said not to be"
        elif not fact.reason:
            yield "a failure has no reason"


async def prove(count, seed):
    """Ask for so many domains twice; returns what is wrong."""
    rng = random.Random(seed)
    names, known = drawn(count, rng)
    behaviours = {
        name: RegistryBehaviour(a_minute=int(limit), faults=FAULTS, slow_s=0.7) for name, limit in LIMITS.items()
    }
    lab, wrong = clock(), []
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CONFIG_HOME"] = f"{place}/config"
        registries = Registries((), domains=[one for one in known if one.registry in LIMITS], suffixes=LIMITS)
        async with RdapServers(registries, lab.now, behaviours, seed=seed) as servers:
            hosts = {urlsplit(base).netloc: tld for tld, base in servers.bases.items()}
            limits = {host: LIMITS[tld] for host, tld in hosts.items()}
            study = create_study(
                Path(place) / "study",
                Config(
                    study=f"{rng.getrandbits(64):016x}",
                    registry=Registry(timeout_s=0.5, a_minute=limits, retry_hours=48.0),
                    domains=Domains(categories=("phishing",), bases=servers.bases),
                ),
                Lab(resolver="127.0.0.1:9", clock=NOON, connect_to=()),
            )
            file = Path(place) / "reports.csv"
            file.write_text("".join(["url,category\n", *(f"http://www.{name}/,phishing\n" for name in names)]))
            study.import_reports(file, source="feed")
            file.unlink()
            began = time.perf_counter()
            report = await enrich(study.folder, clock=lab, rng=random.Random(seed))
            seconds, virtual = time.perf_counter() - began, lab.now() - NOON
            facts = study.store.all(DomainRegistration, order=("fetched_at",))
            for row in report.rows:
                tld = hosts.get(row.registry, "none")
                most = servers.most_in_a_minute(tld) if tld in LIMITS else 0
                print(
                    f"{tld:5} {row.asked:6,} asked {row.ok:6,} answered {row.requests:6,} requests, most in a minute "
                    f"{most} of {LIMITS.get(tld, 0):g}; {'; '.join(row.failed)}"
                )
                if most > LIMITS.get(tld, 0):
                    wrong.append(f"{tld} was asked {most} times in a minute")
            wrong += [f"{n} times: {what}" for what, n in Counter(checked(facts, names, known, study.vault)).items()]
            if report.requests != servers.requests:
                wrong.append(f"{report.requests} requests counted, {servers.requests} received")
            asked = {path.rpartition("/")[2] for paths in servers.paths.values() for path in paths}
            if not asked <= set(names):
                wrong.append("something else than a registrable domain was asked for")
            again = await enrich(study.folder, clock=lab)
            if again.requests or len(study.store.all(DomainRegistration)) != len(facts):
                wrong.append(f"a second crawl sent {again.requests} requests")
            study.close()
    outcomes = Counter(fact.status for fact in facts)
    print(
        f"{count:,} domains, {report.requests:,} requests; {timedelta(seconds=round(virtual.total_seconds()))} of the "
        f"lab's time in {seconds:.1f} s; second crawl: {again.requests} requests"
    )
    print("facts:", ", ".join(f"{status} {n:,}" for status, n in outcomes.most_common()))
    return wrong


def main() -> int:
    """Run it and say what is wrong."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--domains", type=int, default=5000)
    words.add_argument("--seed", type=int, default=int(time.time()))
    asked = words.parse_args()
    print(f"seed {asked.seed}")
    wrong = asyncio.run(prove(asked.domains, asked.seed))
    for one in wrong:
        print("WRONG:", one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
