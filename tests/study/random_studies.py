"""Small studies of everything that a rule can see, drawn by a seed."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.judging.test_judge import control, look
from tests.study.facts import START, hour, report, resolution, target
from waterbed.attribution.attribute import Attributor
from waterbed.attribution.hosters.book import book_from
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.attribution.lookups.tables.countries import read_countries
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.judging.quarantines import quarantine_id
from waterbed.judging.rules import read_rules
from waterbed.model.bookkeeping import Delivery, QuarantineDecision
from waterbed.model.decisions import Coding
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Resolution
from waterbed.model.registrations import DomainRegistration, Registration
from waterbed.store.config import Config
from waterbed.store.settings import Canary, CycleGuard, Judge
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts

HOURS = 60
_BOOK = b"""
[[hoster]]
key = "first"
name = "First"
asns = [64500]
country = "NL"

[[hoster]]
key = "shield"
name = "Shield"
asns = [64503]
kind = "proxy"
"""
_VALUES: dict[str, tuple[Any, ...]] = {
    "profile": ("strict", "headers", "headers", "text"),
    "status": (200, 200, 200, 200, 404, 404, 410, 403, 500, 503, 301, 302, 204),
    "media_type": ("text/html", "text/html", "image/png", None),
    "content_length": (None, 100, 100, 100, 200, 300),
    "etag_id": (None, None, "e1", "e1", "e2"),
    "marks": ((), (), (), (), ("cdn",), ("suspended",), ("removed",), ("challenge",), ("parked",)),
    "redirect": (None, None, None, "same", "site", "other", "bad"),
    "redirect_site_id": (None, "s-0", "s-1"),
    "redirect_url_id": (None, None, "u1", "u2"),
    "method": ("HEAD", "HEAD", "GET"),
    "head_status": (None, None, None, 200, 404, 405),
    "link_check": (None, None, None, None, "check"),
    "link_exists": (None, True, False),
    "authenticated": (None, True, True, False),
    "tls_version": (None, None, "1.3"),
    "certificate_id": (None, "c1", "c2"),
    "tls_problem": (None, None, None, "expired"),
    "tls_trust": (None, "trusted", "trusted", "untrusted"),
    "public_key_id": (None, "k1", "k1", "k2"),
    "title_id": (None, None, "t1"),
    "page_id": (None, None, "p1"),
}
_TURNS: tuple[dict[str, Any], ...] = (
    {"status": 200, "redirect": None, "redirect_site_id": None, "marks": ()},
    {"status": 301, "redirect": "other", "redirect_site_id": "s-1"},
    {"status": 302, "redirect": "front", "redirect_site_id": "s-0"},
    {"status": 200, "redirect": None, "redirect_site_id": None, "marks": ("seized",)},
)
"""A page, one that leads to another site, one that leads to its front page, and a banner."""
_ALIKE = ("status", "media_type", "content_length", "etag_id", "redirect", "redirect_site_id")
_FAILED = (("dns", "nxdomain"), ("dns", "timeout"), ("connect", "timeout"), ("connect", "refused"), ("http", "reset"))


@cache
def _tables() -> list[tuple[date, Any, Any]]:
    found = []
    with TemporaryDirectory() as name:
        for on, last in ((date(2026, 1, 1), 64502), (date(2026, 1, 6), 64503)):
            path = Path(name) / f"{on}.csv"
            owners = ((0, 64500), (1, 64501), (2, last), (3, 64503), (4, 64500))
            path.write_text("".join(f"28.{n}.0.0,28.{n}.255.255,{asn},Holder {asn}\n" for n, asn in owners))
            places = Path(name) / f"{on}-places.csv"
            places.write_text("".join(f"28.{n}.0.0,28.{n}.255.255,{'NL' if n % 2 else 'DE'}\n" for n, _ in owners))
            found.append((on, read_routes(path), read_countries(places)))
    return found


def _reached(address: str, chance: float) -> str | None:
    """Mostly its own, sometimes another in the same network, where a redirect led, or none."""
    return None if chance >= 0.97 else address if chance > 0.03 else f"{address.rpartition('.')[0]}.9"


class Drawn:
    """Facts and settings of one small study."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.domain_rng = random.Random(f"domains {seed}")
        self.clock_rng = random.Random(f"clocks {seed}")
        self.turn_rng = random.Random(f"turns {seed}")
        self.clocks_differ = self.clock_rng.random() < 0.25
        self.hosts = self.rng.randint(1, 6)
        self.urls = self.rng.randint(1, 12)
        self.steady = self.rng.choice((0.0, 0.5, 0.9, 0.97))
        self.vantages = self.rng.choice((["here"], ["here"], ["here", "there"], ["here", "there", "else"]))
        self.profiles = self.rng.choice((("headers",), ("strict",), _VALUES["profile"]))
        self.resolutions: dict[str, Resolution] = {}
        self.controls: dict[str, ControlLook] = {}

    def config(self) -> Config:
        """Thresholds that so few looks reach."""
        pick = self.rng.choice
        return Config(
            study="d" * 32,
            home="NL",
            canary=Canary(targets=("http://127.0.0.1/",), need=pick((0.5, 1.0))),
            judge=Judge(
                confirm_looks=pick((1, 2, 3)),
                confirm_s=(confirm_s := pick((0.0, 3600.0, 7200.0))),
                leave_looks=pick((1, 2)),
                networks=pick((1, 2, 2)),
                vantage_within_s=pick((60.0, 900.0)),
                canary_within_s=pick((300.0, 3600.0)),
                rotation_hours=pick((2.0, 24.0)),
                rotation_days=pick((1.0, 7.0)),
                freeze_s=max(confirm_s, pick((0.0, 7200.0))),
            ),
            cycle_guard=CycleGuard(
                cycle_s=pick((1800.0, 3600.0, 14400.0)),
                share=pick((0.2, 0.5)),
                least_sites=pick((1, 2, 3)),
                times_usual=pick((1.0, 2.0, 5.0)),
                usual_days=pick((0.5, 7.0)),
            ),
        )

    def conclusions(self) -> Conclusions:
        """The product's conclusions."""
        reports = [
            report(
                f"u{n}",
                report_id=f"{n} {k}",
                reported_at=hour(self.rng.uniform(-5, HOURS)),
                content_id=self.rng.choice((None, None, "one")),
                assessed_illegal=self.rng.choice((None, None, None, True)),
                origin_address=self.rng.choice((None, None, None, "28.1.9.9")),
            )
            for n in range(self.urls)
            for k in range(self.rng.randint(1, 3))
        ]
        targets = {
            f"u{n}": target(
                f"u{n}",
                host_id=f"h-{n % self.hosts}",
                site_id=f"s-{n % self.hosts}",
                label_id=f"l-{n % 3}",
                path_id=f"p-{n % 4}",
                suffix_id=self.rng.choice((None, None, "suffix")),
            )
            for n in range(self.urls)
        }
        looks = [one for n in range(self.urls) for one in self._looks(n)]
        config, canaries = self.config(), list(self._canaries())
        facts = Facts(
            targets=targets,
            reports=reports,
            looks=sorted(looks, key=lambda one: (one.url_id, one.observed_at, one.observation_id)),
            resolutions=dict(sorted(self.resolutions.items())),
            controls=dict(sorted(self.controls.items())),
            canaries=canaries,
            domains=sorted(
                self._domains([one.site_id for one in targets.values()]),
                key=lambda one: (one.fetched_at, one.answer_id),
            ),
            deliveries=[
                Delivery(
                    delivery_id=f"{n}",
                    source="hotline",
                    run_id="r",
                    received_at=hour(n),
                    reports=self.rng.choice((0, 5, 9)),
                    new=0,
                    rejected=0,
                )
                for n in range(5)
            ],
            decisions=list(self._decisions(config)),
            codings=[
                Coding(
                    coding_id=f"{one.observation_id} {who}",
                    queue="outcomes",
                    item_id=one.observation_id,
                    coder=who,
                    code=self.rng.choice(("up", "gone", "moved")),
                    adjudicates=who == "c",
                    note="",
                    coded_at=hour(HOURS),
                )
                for one in self.rng.sample(looks, min(len(looks), 8))
                for who in "abc"
            ],
        )
        if self.clocks_differ:
            facts = self._by_other_clocks(facts)
        dated = _tables()
        attributor = Attributor(
            routes=[(on, routes) for on, routes, _ in dated],
            countries=[(on, places) for on, _, places in dated],
            book=book_from(_BOOK),
            suffixes={"suffix": "pages.example"},
            max_age_days=self.rng.choice((0.5, 1, 31)),
            registered=RegistrationIndex(self._registered(), fresh_days=self.rng.choice((1.0, 30.0))),
        )
        return Conclusions(facts, attributor, read_rules(), config)

    def _by_other_clocks(self, facts: Facts) -> Facts:
        """The facts, those of each kind but looks as if told by a clock of its own, hours ahead or behind."""

        def told(one: Any, by: timedelta, *names: str) -> Any:
            return replace(one, **{name: getattr(one, name) + by for name in names})

        def by() -> timedelta:
            return timedelta(hours=self.clock_rng.choice((0, 0, self.clock_rng.uniform(-6, 6))))

        resolved, controlled, watched, reported, delivered, decided = (by() for _ in range(6))
        return replace(
            facts,
            resolutions={key: told(one, resolved, "resolved_at") for key, one in facts.resolutions.items()},
            controls={key: told(one, controlled, "observed_at") for key, one in facts.controls.items()},
            canaries=[told(one, watched, "observed_at") for one in facts.canaries],
            reports=[told(one, reported, "reported_at", "received_at") for one in facts.reports],
            deliveries=[told(one, delivered, "received_at") for one in facts.deliveries],
            decisions=[told(one, decided, "decided_at") for one in facts.decisions],
        )

    def _registered(self) -> Iterator[Registration]:
        for n in range(self.rng.choice((0, 3, 8))):
            net = self.rng.randint(0, 4)
            small = self.rng.random() < 0.5
            yield Registration(
                registration_id=f"{n}",
                asked=f"28.{net}.0.1",
                kind="network",
                level=0,
                status="ok",
                reason=None,
                registry="ripe",
                first=f"28.{net}.0.0",
                last=f"28.{net}.0.255" if small else f"28.{net}.255.255",
                handle=f"net{net}{small}",
                parent_handle=None,
                name=None,
                allocation=None,
                country=self.rng.choice(("NL", "DE")),
                holder=self.rng.choice(("ripe:ORG-1", "ripe:ORG-2")),
                holder_name="Org",
                abuse_id=None,
                etag=None,
                source="rdap",
                fetched_at=START + timedelta(days=self.rng.uniform(-3, 4)),
            )

    def _domains(self, sites: list[str]) -> Iterator[DomainRegistration]:
        pick = self.domain_rng.choice
        for n in range(pick((0, 0, 4, 12))):
            status = pick(("ok", "ok", "ok", "not_found", "limited"))
            known = status == "ok"
            yield DomainRegistration(
                answer_id=f"{n}",
                site_id=pick(sites),
                tld=pick(("com", "nl")),
                status=status,  # type: ignore[arg-type]
                reason=None if known else status,
                registry="rdap.example",
                registrar=pick(("iana:1", "iana:2")) if known else None,
                registrar_name="One" if known else None,
                created_on=START - timedelta(days=400) if known else None,
                expires_on=START + timedelta(days=pick((-3, 200))) if known else None,
                states=pick((("active",), ("client hold",), ("server hold",), ("redemption period",))) if known else (),
                etag=None,
                fetched_at=hour(self.domain_rng.uniform(-20, HOURS + 20)),
            )

    def _canaries(self) -> Iterator[CanaryLook]:
        for vantage in self.vantages:
            for n in range(HOURS * 4):
                if self.rng.random() < 0.95:
                    yield CanaryLook(
                        canary_id=f"{vantage}{n}",
                        run_id="r",
                        vantage=vantage,
                        observed_at=hour(n / 4),
                        targets=2,
                        reached=self.rng.choice((2,) * 30 + (1, 0)),
                    )

    def _decisions(self, config: Config) -> Iterator[QuarantineDecision]:
        length = config.cycle_guard.cycle_s / 3600
        for n in range(int(HOURS / length)):
            for group in (("all", ""), ("hoster", "first"), ("prefix", "28.0.0.0/24")):
                if self.rng.random() < 0.3:
                    yield QuarantineDecision(
                        decision_id=f"{n}{group}",
                        quarantine_id=quarantine_id(group, hour(n * length)),  # type: ignore[arg-type]
                        decision=self.rng.choice(("release", "void")),
                        who="somebody",
                        reason="seen",
                        decided_at=hour(n * length + self.rng.uniform(-3, 12)),
                    )

    def _looks(self, number: int) -> Iterator[Observation]:
        """Looks that mostly see what the look before saw; all go down at once now and then."""
        rng, when, count = self.rng, self.rng.uniform(0, 12), self.rng.randint(0, 30)
        fields = {name: rng.choice(values) for name, values in _VALUES.items()} | {"status": 200, "redirect": None}
        net = rng.randint(0, 4)
        for n in range(count):
            when += rng.choice((0.0, 0.1, 1.0, 1.0, 1.5, 3.0))
            if rng.random() > self.steady:
                changed = rng.choice(list(_VALUES))
                fields[changed] = rng.choice(_VALUES[changed])
                if self.turn_rng.random() < 0.3:
                    fields |= self.turn_rng.choice(_TURNS)
            if rng.random() < 0.05:
                net = rng.randint(0, 5)
            for vantage in rng.sample(self.vantages, rng.randint(1, len(self.vantages))):
                yield self._look(number, f"{n}{vantage}", hour(when), vantage, net, dict(fields))

    def _look(
        self, number: int, name: str, when: datetime, vantage: str, net: int, fields: dict[str, Any]
    ) -> Observation:
        rng = self.rng
        if START + timedelta(hours=30) < when < START + timedelta(hours=33) and rng.random() < 0.8:
            fields["status"] = 404
        if rng.random() < 0.1:
            phase, failure = rng.choice(_FAILED)
            fields |= {"phase": phase, "failure": failure, "status": None, "media_type": None, "redirect": None}
        if rng.random() < 0.02:
            fields["content_length"] = rng.randint(1, 999)
        url, host = f"u{number}", number % self.hosts
        address = f"28.{net}.{rng.choice((0, 0, 1))}.{rng.choice((7, 7, 8))}"
        answered = rng.random() < 0.95
        said = resolution(
            f"{url} {name}",
            address,
            host_id=f"h-{host}",
            addresses=(address, *(("28.2.0.9",) if rng.random() < 0.1 else ())) if answered else (),
            tags=rng.choice(
                ((),) * 7
                + (("seized",), ("parking",), ("cdn",), ("parking_by_name_servers",), ("seized_by_name_servers",))
            ),
            name_server_ids=rng.choice(((), ("n1",), ("n1", "n2"))),
            resolved_at=when,
        )
        self.resolutions[said.resolution_id] = said
        seen = look(
            observation_id=f"{url}@{name}",
            url_id=url,
            vantage=vantage,
            network=rng.choice((vantage, vantage, vantage, "other")),
            agent_id=self.turn_rng.choice((None, None, None, "agent")),
            observed_at=when,
            scheduled_at=when,
            resolution_id=rng.choice((said.resolution_id,) * 20 + (None,)),
            address=_reached(address, rng.random()) if answered else None,
            **fields,
        )
        control_id = self._control(host, when, vantage, fields)
        return replace(seen, control_id=control_id, profile=rng.choice(self.profiles))

    def _control(self, host: int, when: datetime, vantage: str, fields: dict[str, Any]) -> str | None:
        rng = self.rng
        if rng.random() < 0.3:
            return None
        name = f"c{host}{int(when.timestamp()) // 14400}{vantage if rng.random() < 0.9 else 'here'}"
        if name not in self.controls:
            self.controls[name] = control(
                control_id=name,
                host_id=f"h-{host}",
                observed_at=when - timedelta(minutes=rng.choice((0, 0, 5))),
                vantage=vantage,
                status=rng.choice((404, 404, 404, 200, 301, None)),
                failure=rng.choice((None,) * 9 + ("timeout",)),
                media_type=rng.choice(_VALUES["media_type"]),
                content_length=rng.choice(_VALUES["content_length"]),
                etag_id=rng.choice(_VALUES["etag_id"]),
                redirect=rng.choice(_VALUES["redirect"]),
                redirect_site_id=rng.choice(_VALUES["redirect_site_id"]),
                unstable=rng.choice(((),) * 6 + (("status",), ("content_length", "etag_id"))),
            )
            if self.turn_rng.random() < 0.4:  # as the URL itself is answered now
                alike = {key: value for key, value in fields.items() if key in _ALIKE}
                self.controls[name] = replace(self.controls[name], **alike)
        return name
