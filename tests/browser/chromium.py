"""The machine's own Chromium, driven without a window and without a way off loopback."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

VARIABLE = "WATERBED_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    f"no Chromium found: none of {', '.join(NAMES)} is on the PATH, and {VARIABLE} names none; "
    "install one, on Debian with: apt-get install chromium"
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
    named = os.environ.get(VARIABLE)
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise AssertionError(f"{VARIABLE} names {named}, which cannot be run" if named else MISSING)
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
