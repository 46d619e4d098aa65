"""Node.js with npm, Java, Chromium and R for the tests, where the machine has none of its own."""

import os
import sys
from pathlib import Path

PLACE = Path(sys.prefix) / "tools"
"""Where they lie: in the environment that runs the tests."""
BIN = PLACE / "bin"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
"""Names that a machine's own Chromium has."""
NAMED = "WATERBED_CHROMIUM"
"""The variable that names a Chromium of another name or place."""


def put_first() -> None:
    """Let this process and its children find what was laid in `BIN`; nothing else lies there."""
    os.environ["PATH"] = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    if (BIN / "java").exists():
        os.environ["JAVA_HOME"] = str(PLACE)  # without it Spark starts the one that ours wraps
