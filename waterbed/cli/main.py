"""The entry point: fast answers for help, version and completion.

These need only the table of commands.
"""

import gc
import os
import signal
import sys
from types import FrameType

_YOUNG = 50_000
"""Objects made before Python looks for garbage in cycles; by its own 700 that takes a fifth of a pass."""


def main() -> None:
    """Run the command line; failures become one sentence and code."""
    gc.set_threshold(_YOUNG)
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupted)
        from waterbed.cli.complete import completed  # noqa: PLC0415 (Ctrl-C is heard while these load too)

        if not completed():
            from waterbed.cli.app import run  # noqa: PLC0415 (the same)

            run()
    except KeyboardInterrupt:
        sys.exit(130)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Ctrl-C ends a command in order, twice at once.

    While a module loads it ends at once as well: nothing is at work, and what loads may catch every exception.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os._exit(128 + number)
        frame = frame.f_back
    signal.signal(number, lambda *_: os._exit(128 + number))
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
