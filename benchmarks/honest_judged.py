"""What one version of the code makes of each kind of answer: a small study, judged as any other."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from waterbed.judging.features import FEATURES
from waterbed.judging.rules import read_rules
from waterbed.lab.simulate.single_facts import PLACE, RUN, keyed, look_of, report_of, target_of, url_id_of
from waterbed.lab.world.records import TrueReport
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Resolution
from waterbed.model.registrations import Registration
from waterbed.store.config import Config
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts

try:
    from waterbed.attribution.attribute import Attributor
    from waterbed.attribution.hosters.book import book_from
    from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
except ImportError:  # up to version 0.2.0 they lay beside the package
    from attribution.attribute import Attributor
    from attribution.hosters.book import book_from
    from attribution.lookups.rdap.registrations import RegistrationIndex

SEEN = ("unknown", "up", "gone", "away", "front")
Meaning = tuple[str, str | None]
"""State, and cause of an absence."""
FRONT = "front" if "front" in FEATURES["redirect"] else "site"
"""A redirect to the front page of a URL's site, as this version records it."""
_ELSEWHERE = "http://elsewhere.example.org/"
_CHECKS, _EVERY = 4, timedelta(hours=2)


def attributor(registrations: Iterable[Registration] = ()) -> Attributor:
    """An attributor without tables, as attributions are given; it knows registrations of networks."""
    known = list(registrations)
    return Attributor(
        routes=[],
        registered=RegistrationIndex(known) if known else None,
        book=book_from(b""),
        suffixes={},
        max_age_days=31.0,
    )


@cache
def meanings() -> Mapping[tuple[str, bool], Meaning]:
    """State and cause of each kind of answer, to a URL that no check saw up yet, and to one that a check did."""
    start = datetime(2025, 4, 1, tzinfo=UTC)
    cases = [(seen, before) for seen in SEEN for before in (False, True)]
    begun = {case: start + timedelta(days=number) for number, case in enumerate(cases)}
    facts = [_facts(case, at) for case, at in begun.items()]
    canaries = [
        CanaryLook(
            canary_id=keyed("canary", look.observation_id),
            run_id=RUN,
            vantage=PLACE,
            observed_at=look.observed_at,
            targets=2,
            reached=2,
        )
        for one in facts
        for look in one[2]
    ]
    conclusions = Conclusions(
        Facts(
            targets={one[0].url_id: one[0] for one in facts},
            reports=[one[1] for one in facts],
            looks=[look for one in facts for look in one[2]],
            resolutions={made.resolution_id: made for one in facts for made in one[3]},
            controls={made.control_id: made for one in facts for made in one[4]},
            canaries=canaries,
        ),
        attributor(),
        read_rules(),
        Config(study="judged"),
    )
    last: dict[str, Meaning] = {}
    for verdict in sorted(conclusions.verdicts, key=lambda one: one.observed_at):
        last[verdict.url_id] = verdict.state, verdict.cause
    return {case: last[one[0].url_id] for case, one in zip(cases, facts, strict=True)}


def _facts(case: tuple[str, bool], start: datetime) -> tuple[Any, Any, list[Observation], list[Resolution], list[Any]]:
    """A URL that answers in one way, all facts about it; its first check saw it up, if so."""
    seen, before = case
    url = f"http://{seen}-{before}.example.com/page/of/it".lower()
    url_id, host_id = url_id_of(url), keyed("host", url)
    report = TrueReport(url=url, source="feed", category="phishing", content_id=url, reported_at=start)
    looks, resolutions, controls = list[Observation](), list[Resolution](), list[ControlLook]()
    for number, what in enumerate((["up"] if before else []) + [seen] * _CHECKS):
        now = start + (number + 1) * _EVERY
        made = Resolution(
            resolution_id=keyed("resolution", f"{url} {number}"),
            host_id=host_id,
            run_id=RUN,
            vantage=PLACE,
            status="ok",
            addresses=("28.1.0.1",),
            cname_ids=(),
            ttl_s=60,
            ede=(),
            resolver="127.0.0.1:53",
            resolved_at=now,
            name_server_ids=(),
            tags=(),
        )
        control = _control(f"{url} {number}", host_id, now, led=what == "away")
        look = look_of(url_id, now, made, control=control, **_answer(what, url))
        if what == "front":
            look = replace(look, redirect=FRONT)
        looks.append(replace(look, profile="headers", media_type="text/html"))
        resolutions.append(made)
        controls.append(control)
    return target_of(url_id, url, start), report_of(url_id, report, start), looks, resolutions, controls


def _answer(what: str, url: str) -> dict[str, Any]:
    host = url.removeprefix("http://").partition("/")[0]
    return {
        "unknown": {"status": 503},
        "up": {"status": 200},
        "gone": {"status": 404},
        "away": {"status": 301, "led": (url_id_of(_ELSEWHERE), keyed("site", "example.org"))},
        "front": {"status": 302, "led": (url_id_of(f"http://{host}/"), keyed("site", "example.com"))},
    }[what]


def _control(name: str, host_id: str, now: datetime, *, led: bool) -> ControlLook:
    return ControlLook(
        control_id=keyed("control", name),
        host_id=host_id,
        run_id=RUN,
        vantage=PLACE,
        observed_at=now,
        failure=None,
        status=301 if led else 404,
        media_type="text/html",
        content_length=None,
        etag_id=None,
        redirect="other" if led else None,
        redirect_site_id=keyed("site", "example.org") if led else None,
    )
