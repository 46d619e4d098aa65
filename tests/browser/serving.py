"""A study served by a process of its own, as its user would start it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.publish.api.serving import until


def made(url: str) -> bool:
    """Whether the server has made its first edition."""
    try:
        with urlopen(url, timeout=60) as answer:
            return bool(answer.status == 200)
    except HTTPError as told:
        return told.code != 503


@contextmanager
def serving(study: Path, keys: Path) -> Iterator[str]:
    """Where `waterbed serve` answers on loopback, with a slash at the end, while the block lasts."""
    command = [Path(sys.executable).with_name("waterbed"), "-C", study, "serve", "--port", "0"]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(keys)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/", said)
            assert found, said
            until(lambda: made(f"{found[0]}health"))
            yield found[0]
        finally:
            process.terminate()
