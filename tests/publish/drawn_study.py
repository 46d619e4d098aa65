"""Studies of drawn worlds as folders: hiding, fakes, changes, returns, movers, notices, a proxy, events."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pytest

from tests.judging.test_judge import control, look
from tests.study.facts import config, report, resolution, target
from waterbed.lab.simulate.grammar import World, numbered_world
from waterbed.lab.simulate.grammar_study import draw_study
from waterbed.model.codec import moment
from waterbed.model.facts import CanaryLook, ControlLook, Notice, NoticeKind, Observation, Resolution
from waterbed.store.settings import CycleGuard, Publish, Schedule
from waterbed.study.study import Study, create_study

GRAMMAR: Final = 13
"""Seed of the numbered worlds."""
ANSWERS: Final[tuple[Mapping[str, Any], ...]] = (
    {"status": 503},
    {"status": 200},
    {"status": 404, "media_type": None},
    {"status": 301, "redirect": "other", "redirect_url_id": "elsewhere", "redirect_site_id": "s-elsewhere"},
    {"status": 302, "redirect": "front", "redirect_url_id": "front", "redirect_site_id": "own"},
)
"""What a check is answered, by its number in `waterbed.lab.simulate.grammar_checks.SEEN`."""
UP, AWAY = 1, 3
KINDS: Final[tuple[NoticeKind, ...]] = ("ntd", "ntd", "legal_order")
CHANGING: Final = 4
PROXY: Final = b"""
[[hoster]]
key = "shield"
name = "Shield"
asns = [64599]
kind = "proxy"
"""


def small_world(number: int) -> World:
    """A numbered world of the grammar in which a study takes seconds; of some the shares change where it shows."""
    world, chance = numbered_world(GRAMMAR, number), np.random.default_rng([GRAMMAR, number])
    changes: dict[str, Any] = {}
    if number % 6 == CHANGING:
        changes = {"drift": "constant", "dependence": "independent", "label": "none", "hiding": "none", "fakes": "none"}
        changes |= {"lag": "minutes", "regime_h": 0.0, "delivery_h": 0.0, "arrivals": "steady", "cloak": "none"}
        changes |= {"returns": "none", "mover": "none"}
    sized = replace(
        world,
        hosters=int(chance.integers(3, 6)),
        clocks=int(chance.choice((25, 40, 80, 120))),
        days=float(chance.choice((5.0, 12.0, 30.0, 45.0))),
        zipf=float(chance.choice((0.1, 0.5, 0.9))),
        every_h=max(2.0, world.every_h),
    )
    return replace(sized, **changes, days=45.0, clocks=120) if changes else sized


@contextmanager
def drawn_study(folder: Path, number: int, **asked: object) -> Iterator[Study]:
    """The study of a number, with keys of its own in the folder; `asked` are settings beside those drawn."""
    drawn = _Drawn(number)
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        with create_study(folder / "study", config(**{**drawn.settings(), **asked})) as study:
            drawn.fill(study, folder)
            yield study


class _Drawn:
    """Facts, tables and events of one study."""

    def __init__(self, number: int) -> None:
        self.world, self.chance = small_world(number), np.random.default_rng([GRAMMAR, number, 1])
        study = draw_study(self.world, self.chance)
        self.columns = study.columns()
        if number % 6 == CHANGING:
            self._nothing_removed_before()
        self.begin, self.end = moment(int(self.columns["start"])), self._end()
        self.shielded = bool(self.chance.random() < 0.2)
        """Whether the last hoster is a reverse proxy."""

    def _nothing_removed_before(self) -> None:
        """Of what was reported in the first half at the first two hosters nothing is ever seen gone."""
        url, seen, reported = (self.columns[name] for name in ("check_url", "check_seen", "reported"))
        early = (reported < np.median(reported)) & (self.columns["hoster"] < 2)
        self.columns["check_seen"] = np.where(early[url] & (seen != UP), UP, seen)

    def settings(self) -> dict[str, object]:
        """Settings that change what is shown: clocks of rankings, disclosure, rare checks, the guard of outages."""
        pick = self.chance.choice
        return {
            "name": "a drawn study",
            "home": "NL",
            "clock": str(pick(("reported", "reported", "reported", "notice_delivered", "first_seen"))),
            "publish": Publish(publisher="a hotline", licence="CC-BY-4.0", least=int(pick((1, 3, 10, 12)))),
            "schedule": Schedule(
                young_interval_s=3600.0 * float(self.columns["every_h"]),
                interval_s=3600.0 * float(self.columns["later_h"]),
                young_hours=float(self.columns["young_h"]),
                rare_share=float(self.columns["rare_share"]),
            ),
            "cycle_guard": CycleGuard(least_sites=int(pick((5, 100_000)))),
        }

    def fill(self, study: Study, folder: Path) -> None:
        """Write all facts, tables and event files."""
        study.folder.clock = lambda: self.end
        numbers = range(self.world.hosters)
        lines = [f"28.{n + 1}.0.0,28.{n + 1}.255.255,{self._asn(n)},Hoster {n}\n" for n in numbers]
        (folder / "routes.csv").write_text("".join(lines))
        places = [f"28.{n + 1}.0.0,28.{n + 1}.255.255,{'NL' if n % 2 else 'DE'}\n" for n in numbers]
        (folder / "places.csv").write_text("".join(places))
        day = self.begin.date()
        study.add_table(folder / "routes.csv", day, licence="CC0-1.0")
        study.add_table(folder / "places.csv", day, kind="places")
        if self.shielded:
            (folder / "study" / "hosters.toml").write_bytes(PROXY)
        study.folder.store.add([*self._reports(), *self._looks(), *self._canaries(), *self._notices()])
        self._events(study.path)

    def _asn(self, hoster: int) -> int:
        return 64599 if self.shielded and hoster == self.world.hosters - 1 else 64500 + hoster

    def key(self, hoster: int) -> str:
        """The key of a hoster."""
        return f"AS{self._asn(hoster)}"

    def _end(self) -> datetime:
        return moment(int(self.columns["check_at"].max())) + timedelta(hours=1)

    def _reports(self) -> Iterator[object]:
        names = ("url_id", "site", "source", "content", "reported", "received", "verified", "assessed")
        for url, site, source, content, reported, received, verified, assessed in self._rows(*names):
            own = {"site_id": f"s-{site}", "host_id": f"h-{site}", "label_id": f"l-{site}", "path_id": url}
            yield target(url, added_at=moment(received), **own)
            yield report(
                url,
                source=("hotline", "feed")[source],
                category=("phishing", "malware")[source],
                content_id=None if content < 0 else f"content-{content}",
                assessed_illegal=True if assessed else None,
                verified_at=None if verified < 0 else moment(verified),
                reported_at=moment(reported),
                received_at=moment(received),
            )

    def _rows(self, *names: str) -> Iterator[tuple[Any, ...]]:
        return zip(*(self.columns[name].tolist() for name in names), strict=True)

    def _looks(self) -> Iterator[Observation | Resolution | ControlLook]:
        ids, sites = self.columns["url_id"].tolist(), self.columns["site"].tolist()
        where = list(self._rows("hoster", "address", "second", "second_address"))
        resolved = set[str]()
        for number, (url, at, seen, second) in enumerate(
            self._rows("check_url", "check_at", "check_seen", "check_second")
        ):
            hoster, address = where[url][2:] if second else where[url][:2]
            said, host = f"r-{ids[url]}-{int(second)}-{at // 86_400_000_000}", f"h-{sites[url]}"
            at_address = f"28.{hoster + 1}.{address >> 8}.{address & 255}"
            when = moment(at)
            if said not in resolved:
                resolved.add(said)
                yield resolution(ids[url], at_address, resolution_id=said, host_id=host, resolved_at=when)
            led = seen == AWAY
            beside = {"status": 301, "redirect": "other", "redirect_site_id": "s-elsewhere"} if led else {}
            yield control(control_id=f"c{number}", host_id=host, observed_at=when, **beside)
            answer = {**ANSWERS[seen]}
            if answer.get("redirect_site_id") == "own":
                answer["redirect_site_id"] = f"s-{sites[url]}"
            yield look(
                observation_id=f"o{number}",
                url_id=ids[url],
                scheduled_at=when,
                observed_at=when,
                resolution_id=said,
                address=at_address,
                network="here",
                control_id=f"c{number}",
                **answer,
            )

    def _canaries(self) -> Iterator[CanaryLook]:
        times = sorted({at // 240_000_000 for at in self.columns["check_at"].tolist()})
        for number, at in enumerate(times):
            yield CanaryLook(
                canary_id=f"{number}",
                run_id="r",
                vantage="here",
                observed_at=moment(at * 240_000_000 + 120_000_000),
                targets=2,
                reached=2,
            )

    def _notices(self) -> Iterator[Notice]:
        """Notices to the hoster of most URLs, some in batches, some late, a few to another or bounced."""
        if self.chance.random() < 0.25:
            return
        for url, hoster, reported in self._rows("url_id", "hoster", "reported"):
            if self.chance.random() < 0.3:
                continue
            sent = moment(reported) + timedelta(hours=float(self.chance.choice((0.5, 2.0, 30.0))))
            if sent >= self.end:
                continue
            to = (hoster + 1) % self.world.hosters if self.chance.random() < 0.05 else hoster
            batch = int(self.chance.integers(0, 12))
            kind = cast(NoticeKind, str(self.chance.choice(KINDS)))
            yield Notice(
                notice_id=f"n-{url}",
                url_id=url,
                kind=kind,
                sender="hotline",
                recipient=self.key(to),
                batch=f"b{batch}" if self.chance.random() < 0.5 else None,
                channel=None,
                reminder=False,
                sent_at=sent,
                delivered_at=sent if self.chance.random() < 0.95 else None,
                bounced=bool(self.chance.random() < 0.03),
                acknowledged_at=None,
                response=None,
                held_for_police=False,
                received_at=sent,
            )

    def _events(self, path: Path) -> None:
        """Files of a public and of a private event, each of about half of all studies."""
        middle = self.begin + (self.end - self.begin) / 2
        for name, public in (("told", True), ("kept", False)):
            if self.chance.random() < 0.5:
                continue
            place, other = self.chance.choice(self.world.hosters, 2, replace=False).tolist()
            (path / "events").mkdir(exist_ok=True)
            (path / "events" / f"{name}.toml").write_text(
                f'target = "{self.key(place)}"\ndate = {middle:%Y-%m-%d}\nchosen_until = {self.begin:%Y-%m-%d}\n'
                f'controls = ["{self.key(other)}"]\npublic = {str(public).lower()}\n'
            )
