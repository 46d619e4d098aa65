"""A study whose facts are written straight into its store: no server, no look."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.judging.test_judge import look
from waterbed.model.bookkeeping import Due, Run, RunEnd, Sealed
from waterbed.model.facts import CanaryLook, Observation, Report, Resolution, Target
from waterbed.model.urls import SPELLING
from waterbed.store.config import Config
from waterbed.store.settings import Canary
from waterbed.study.study import Study, create_study

START = datetime(2026, 1, 5, tzinfo=UTC)
STATUS = {"u": 200, "d": 404, "?": 500, "x": None, "m": 301}


def hour(n: float) -> datetime:
    return START + timedelta(hours=n)


def config(**changes: object) -> Config:
    plain: dict[str, object] = {
        "study": "f" * 32,
        "contact": "lab@localhost",
        "canary": Canary(targets=("http://127.0.0.1/",)),
    }
    return Config(**{**plain, **changes})  # type: ignore[arg-type]  # settings by name


@contextmanager
def written(
    folder: Path, seen: dict[str, str], *, canary: str = "", apart: int = 0, **changes: object
) -> Iterator[Study]:
    """A study in which URL `a0` at hoster a was seen as told, one look an hour; reported at the start.

    `u` up, `d` 404, `x` unreachable, `?` server error, blank no look; `canary` the same for the canary. With `apart`
    all of URL `a3` is three times as many hours later: shares have intervals where reports span a week.
    """
    with create_study(folder / "study", config(**changes)) as study:
        hours = max(len(states) + later(url, apart) for url, states in seen.items())
        now = hour(hours)
        study.folder.clock = lambda: now
        routes = folder / "routes.csv"
        hosters = sorted({url[0] for url in seen})
        routes.write_text("".join(f"28.{n}.0.0,28.{n}.255.255,{64500 + n},Hoster {k}\n" for n, k in enumerate(hosters)))
        study.add_table(routes, date(2026, 1, 5))
        facts: list[object] = []
        for number, (url, states) in enumerate(sorted(seen.items())):
            address = f"28.{hosters.index(url[0])}.{number % 250}.7"
            begins = later(url, apart)
            facts += [*_known(url, address, begins), *_looks(url, " " * begins + states, address)]
        facts += [_canary(n, canary[n : n + 1] != "d") for n in range(hours)]
        study.folder.store.add(facts)
        yield study


def target(url: str, **changes: object) -> Target:
    """A URL with a host and a site of its own."""
    plain = Target(
        url_id=url,
        host_id=f"h-{url}",
        site_id=f"s-{url}",
        label_id="l",
        path_id="p",
        suffix_id=None,
        spelling=SPELLING,
        suffix_list="1",
        added_at=START,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


def report(url: str, **changes: object) -> Report:
    """A report of a URL at the start."""
    plain = Report(
        report_id=url,
        url_id=url,
        source="hotline",
        category="phishing",
        site_type=None,
        commercial=None,
        assessed_illegal=None,
        verified_at=None,
        content_id=None,
        reported_at=START,
        received_at=START,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


def resolution(url: str, address: str, **changes: object) -> Resolution:
    """What the name of a URL's host was answered with at the start."""
    plain = Resolution(
        resolution_id=f"r-{url}",
        host_id=f"h-{url}",
        run_id="r",
        vantage="here",
        status="ok",
        addresses=(address,),
        cname_ids=(),
        ttl_s=None,
        ede=(),
        resolver="127.0.0.1:53",
        resolved_at=START,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


def later(url: str, apart: int) -> int:
    """Hours after the start at which URL `a3` is reported, three times `apart`."""
    return apart * int(url[1:]) if apart else 0


def _known(url: str, address: str, begins: int) -> list[object]:
    due = Due(
        url_id=url,
        host_id=f"h-{url}",
        due_at=hour(10_000),
        streak=0,
        first_report_at=hour(begins),
        category="phishing",
        lease_run_id=None,
    )
    unread = Sealed(entry_id=url, kind="url", ciphertext=b"never opened", key_number=1)
    told = report(url, reported_at=hour(begins), received_at=hour(begins))
    return [target(url), told, resolution(url, address, resolved_at=hour(begins)), due, unread]


def _looks(url: str, states: str, address: str) -> Iterator[Observation]:
    for n, state in enumerate(states):
        if state == " ":
            continue
        plain = look(
            observation_id=f"{url}@{n}",
            url_id=url,
            scheduled_at=hour(n),
            observed_at=hour(n) + timedelta(minutes=5),
            resolution_id=f"r-{url}",
            address=address,
            network="here",
            status=STATUS[state],
        )
        yield replace(plain, phase="connect", failure="timeout") if state == "x" else plain


def _canary(n: int, healthy: bool) -> CanaryLook:
    return CanaryLook(
        canary_id=f"{n}",
        run_id="r",
        vantage="here",
        observed_at=hour(n) + timedelta(minutes=5),
        targets=2,
        reached=2 if healthy else 0,
    )


def run(number: int, outcome: str | None) -> list[object]:
    """A run and how it ended."""
    made: list[object] = [
        Run(
            run_id=f"run{number}", kind="recheck", vantage="here", started_at=hour(number), version="0", config_hash="0"
        )
    ]
    if outcome:
        made.append(RunEnd(run_id=f"run{number}", finished_at=hour(number), outcome=outcome, done=0))
    return made


def numbered(letter: str, count: int, states: str) -> dict[str, str]:
    return {f"{letter}{n:02}": states for n in range(count)}
