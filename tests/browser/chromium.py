"""A Chromium, driven without a window and without a way off loopback."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.tools import CHROMIUM, NAMED

MISSING = (
    f"no Chromium found: none of {', '.join(CHROMIUM)} is on the PATH, and {NAMED} names none; get one with: make tools"
)
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def executable() -> str:
    """Where Chromium is; without one the test fails and says how to get it."""
    named = os.environ.get(NAMED)
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        raise AssertionError(f"{NAMED} names {named}, which cannot be run" if named else MISSING)
    return found


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """A running Chromium; what it keeps of its own lies in `profile`."""
    environment = {**os.environ, "HOME": str(profile), "XDG_CONFIG_HOME": str(profile), "XDG_CACHE_HOME": str(profile)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=[*FLAGS], env=environment)
        try:
            yield browser
        finally:
            browser.close()
