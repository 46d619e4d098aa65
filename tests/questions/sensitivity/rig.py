"""A small study in which each choice matters for somebody.

At hoster a: six URLs are removed, hour after hour, three move to b, one is never decided again, one is gone for one
look, one for five, one stays; another of its host is removed. Of b four are removed. c and d are one company: c removes
all, d nothing. What p fronts goes too; one URL of b is put behind it. a lies at home.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from tests.judging.test_judge import look
from tests.study.facts import hour, later, numbered, report, resolution, target, written
from waterbed.model.facts import Observation
from waterbed.study.study import Study

HOURS = 60
APART = 16
"""Hours from one URL's report to the next one's."""
UP = "u" * HOURS


def removed(letter: str, count: int) -> dict[str, str]:
    """URLs that go one an hour, so that no cycle is suspect."""
    return {f"{letter}{n:02}": ("u" * (3 + n)).ljust(HOURS, "d") for n in range(count)}


A = {
    **removed("a", 6),
    **{f"a{n:02}": "u" * 5 + " " * (HOURS - 5) for n in (6, 7, 8)},
    "a09": "u" * 5 + "?" * (HOURS - 5),
    "a10": "u" * 5 + "d" + "u" * (HOURS - 6),
    "a11": "u" * 5 + "ddddd" + "u" * (HOURS - 10),
    "a12": UP,
}
BOOK = """
[[hoster]]
key = "both"
name = "Both B.V."
asns = [64502, 64503]

[[hoster]]
key = "front"
name = "Front Inc."
kind = "proxy"
asns = [64504]
"""


@contextmanager
def small_study(folder: Path) -> Iterator[Study]:
    """The study of this module, its clock held."""
    b = numbered("b", 12, UP) | removed("b", 4) | {"b12": "u" * 5 + " " * (HOURS - 5)}
    seen = A | b | removed("c", 12) | numbered("d", 10, UP) | removed("p", 12)
    with written(folder, seen, apart=APART) as study:
        path = folder / "places.csv"
        path.write_text("28.0.0.0,28.0.255.255,NL\n28.1.0.0,28.9.255.255,DE\n")
        study.add_table(path, date(2026, 1, 5), kind="places")
        path = folder / "hosters.toml"
        path.write_text(BOOK)
        study.set_hosters(path)
        facts: list[object] = []
        for url in ("a06", "a07", "a08"):
            facts += _elsewhere(url, "28.1.99.1")
        facts += _elsewhere("b12", "28.4.99.1")
        beside = "a13"  # of the host of a12, reported after it
        begins = later("a12", APART)
        facts += [target(beside, host_id="h-a12", site_id="s-a12")]
        facts += [resolution(beside, "28.0.12.7", resolved_at=hour(begins))]
        facts += [report(beside, reported_at=hour(begins + 1), received_at=hour(begins + 1))]
        facts += [_look(beside, begins + n, "28.0.12.7", f"r-{beside}", 200 if n < 5 else 404) for n in range(HOURS)]
        study.folder.store.add(facts)
        yield study


def _elsewhere(url: str, address: str) -> list[object]:
    """Checks from the fifth hour on that see a URL at another address."""
    begins = later(url, APART)
    there = resolution(url, address, resolution_id=f"r2-{url}", resolved_at=hour(begins + 5))
    return [there, *(_look(url, begins + n, address, f"r2-{url}", 200) for n in range(5, HOURS))]


def _look(url: str, n: int, address: str, resolution_id: str, status: int) -> Observation:
    return look(
        observation_id=f"{url}@{n}",
        url_id=url,
        scheduled_at=hour(n),
        observed_at=hour(n) + timedelta(minutes=5),
        resolution_id=resolution_id,
        address=address,
        network="here",
        status=status,
    )
