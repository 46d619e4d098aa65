"""Schemathesis against the interface: calls made from its own document, right and wrong ones."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What a campaign came to."""

    ok: bool
    calls: int
    told: str


def campaign(url: str, key: str, folder: Path, *, examples: int, seed: int) -> Called:
    """Let schemathesis call each operation with all its checks; its own files go into `folder`."""
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {key}", "--continue-on-failure"),
        *("--checks", "all", "--max-examples", str(examples), "--seed", str(seed), "--no-color"),
    ]
    settings = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env=settings)
    found = re.search(r"(\d+) generated", done.stdout)
    return Called(ok=done.returncode == 0, calls=int(found[1]) if found else 0, told=done.stdout + done.stderr)
