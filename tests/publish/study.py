"""A small study with everything that is published: two sources, notices, hops, two hosters too small to be shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.study.facts import _canary, _looks, config, hour, report, resolution, target
from waterbed.model.facts import Notice
from waterbed.store.machine_settings import StoreAt
from waterbed.store.settings import Publish
from waterbed.study.study import Study, create_study

STEP = 22
"""Hours from one content to the next: reports span more than a week, so that shares have intervals."""
HOURS = 40 + 11 * STEP
SEEN = {"a": (range(12), 0, 4), "b": (range(12), 6, HOURS), "c": (range(2), 7, HOURS), "d": (range(2, 4), 7, HOURS)}
"""By hoster: numbers of its contents, and the hours between which number 0 is up; each next one is STEP hours later."""


def at(letter: str, number: int) -> str:
    """The address of a URL."""
    return f"28.{ord(letter) - ord('a')}.{number}.7"


@contextmanager
def small_study(
    folder: Path,
    names: str = "Hoster {}",
    title: str = "a small study",
    store: str = "sqlite",
    clock: str = "reported",
    **policy: object,
) -> Iterator[Study]:
    """The study; `names` are those of its hosters with a place for the letter, `policy` settings of [publish].

    Its keys lie in the folder, too: tests of a whole session and of one test share no keys.
    """
    settings = Publish(**{"publisher": "a hotline", "licence": "CC-BY-4.0", **policy})  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        asked = config(name=title, store=StoreAt(url=store), clock=clock, publish=settings)
        with create_study(folder / "study", asked) as study:
            _fill(study, folder, names)
            yield study


def _fill(study: Study, folder: Path, names: str) -> None:
    study.folder.clock = lambda: hour(HOURS)
    lines = [f"28.{n}.0.0,28.{n}.255.255,{64500 + n},{names.format(k)}\n" for n, k in enumerate(SEEN)]
    (folder / "routes.csv").write_text("".join(lines))
    study.add_table(folder / "routes.csv", date(2026, 1, 5), licence="CC0-1.0")
    places = "28.0.0.0,28.0.255.255,NL\n28.1.0.0,28.3.255.255,FR\n"
    (folder / "places.csv").write_text(places)
    study.add_table(folder / "places.csv", date(2026, 1, 5), kind="places")
    facts: list[object] = [_canary(n, True) for n in range(HOURS)]
    for letter, (numbers, start, end) in SEEN.items():
        for number in numbers:
            later = number * STEP
            states = (" " * (start + later)).ljust(min(min(end, start + 40) + later, HOURS), "u")
            facts += _url(letter, number, states.ljust(len(states) + (30 if end < HOURS else 0), "d"))
    facts += [_notice(number) for number in range(12)]
    for number in range(5):
        told = {"content_id": f"content{number}", "reported_at": hour(HOURS), "received_at": hour(HOURS)}
        facts += [target(f"tor{number}"), report(f"tor{number}", medium="tor", **told)]
    study.folder.store.add(facts)


def _url(letter: str, number: int, states: str) -> list[object]:
    url = f"{letter}{number:02}"
    first = hour(len(states) - len(states.lstrip()))
    told = {
        "content_id": f"content{number}",
        "reported_at": first,
        "received_at": first,
        "site_type": "forum" if number % 3 else None,
        "commercial": letter == "a",
    }
    facts: list[object] = [target(url), resolution(url, at(letter, number), resolved_at=first)]
    facts += [report(url, **told), *_looks(url, states, at(letter, number))]
    if number % 2:
        facts.append(report(url, **{**told, "report_id": f"{url} again", "source": "second", "category": "malware"}))
    return facts


def _notice(number: int) -> Notice:
    return replace(noticed(f"a{number:02}", hour(number * STEP)), notice_id=f"n{number}")


def noticed(url: str, after: datetime) -> Notice:
    """A notice of a URL to the first hoster, a minute after a time."""
    when = after + timedelta(minutes=1)
    return Notice(
        notice_id=url,
        url_id=url,
        kind="ntd",
        sender="hotline",
        recipient="AS64500",
        batch=None,
        channel=None,
        reminder=False,
        sent_at=when,
        delivered_at=when,
        bounced=False,
        acknowledged_at=None,
        response=None,
        held_for_police=False,
        received_at=when,
    )
