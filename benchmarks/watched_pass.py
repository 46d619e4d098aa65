"""One pass, watched: processor time by thread, and with `--profile` the loop's share by part of the code."""

import cProfile
import json
import pstats
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from waterbed.crawler.recheck.leasing import Leasing
from waterbed.crawler.recheck.recorder import Recorder
from waterbed.crawler.recheck.run import run_recheck
from waterbed.study.study import open_study

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("connections", ("/crawler/net/connection.py", "/crawler/net/tls")),
    ("heads", ("/crawler/net/response.py",)),
    ("names", ("/attribution/", "/publicsuffixlist/")),
    (
        "facts",
        (
            "/crawler/probe/features.py",
            "/crawler/probe/observation.py",
            "/crawler/probe/pages.py",
            "/waterbed/store/",
            "/waterbed/model/",
        ),
    ),
    (
        "engine",
        ("/scrapy/", "/twisted/", "/crawler/recheck/", "/crawler/spiders/", "/concurrent/"),
    ),
    ("looks", ("/crawler/",)),
    ("facts", ("/dataclasses.py", "/secrets.py", "/random.py", "/hmac.py", "<string>")),
)
"""Which files make up which part; the first that fits counts, and the loop is what is left."""

used: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
"""User and system time of the worker functions, which run in threads, seconds."""


def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with its thread's processor time added up."""

    def call(*given: Any, **named: Any) -> Any:
        before = resource.getrusage(resource.RUSAGE_THREAD)
        try:
            return function(*given, **named)
        finally:
            after = resource.getrusage(resource.RUSAGE_THREAD)
            used[name][0] += after.ru_utime - before.ru_utime
            used[name][1] += after.ru_stime - before.ru_stime

    return call


def part(file: str) -> str:
    """The part that a file belongs to."""
    return next((name for name, places in PARTS if any(place in file for place in places)), "loop")


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Seconds of each part; what is built in counts for whoever calls it."""
    seconds: dict[str, float] = defaultdict(float)
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file == "~" and callers:
            for (caller, _, _), (_, _, there, _) in callers.items():
                seconds[part(caller)] += there
        else:
            seconds[part(file)] += own
    return dict(seconds)


def main() -> None:
    """Run the pass and print what it used."""
    Leasing._lease = watched("lease", Leasing._lease)  # type: ignore[method-assign]
    Recorder.write = watched("write", Recorder.write)  # type: ignore[method-assign]
    profile = cProfile.Profile(time.thread_time) if "--profile" in sys.argv else None
    with open_study(Path(sys.argv[1])) as study:
        started = time.process_time()
        before = resource.getrusage(resource.RUSAGE_THREAD)
        report = profile.runcall(run_recheck, study.folder) if profile else run_recheck(study.folder)
        after = resource.getrusage(resource.RUSAGE_THREAD)
    used["loop"] = [after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime]
    kernel_s = resource.getrusage(resource.RUSAGE_SELF).ru_stime
    found = {"used": used, "start_s": started, "kernel_s": kernel_s, "parts": shares(profile) if profile else {}}
    print(json.dumps({"answered": report.looks, "seconds": report.seconds, **found}))


if __name__ == "__main__":
    main()
