"""The entry point: fast answers for help, version and completion.

These need only the table of commands.
"""

import atexit
import gc
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

from waterbed.shown.streams import lost, open_streams

_LOADED, _YOUNG = 500_000, 10_000
"""Objects made before Python looks for garbage in cycles: the first time, and later.

By its own 700 that takes a fifth of a pass. What a command loads is some 300,000 objects, none of them garbage.
"""


def program() -> None:
    """Run the command line, and end the process.

    What is left in memory is not freed piece by piece, which would take a fifth of a second after a pass.
    """
    code: str | int | None = None
    open_streams()
    try:
        main()
    except SystemExit as end:
        code = end.code
    code = _told_of_loss(code)
    threads = [
        thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()
    ]
    if not threads and not isinstance(code, str) and not sys.gettrace() and not sys.getprofile():
        with suppress(OSError, ValueError):  # a pipe that nobody reads is the interpreter's to tell
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code or 0)
    sys.exit(code)


def _told_of_loss(code: str | int | None) -> str | int | None:
    """The exit code, that of a failure if what was printed got lost."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    if (problem := lost()) and code in (None, 0, 1):
        from waterbed.shown.output import OURS, complain  # noqa: PLC0415 (help needs no console)

        complain(
            f"standard output could not be written ({problem}): what was printed is cut short, what "
            "else the command did "
            "is done; print to another place (docs/cli.md, Pipes)"
        )
        return OURS
    return code


def main() -> None:
    """Run the command line; failures become one sentence and code.

    Linear algebra gets one thread unless the environment says otherwise: matrices are small here, and threads that wait
    for each other take minutes for seconds of work where a machine has other things to do. Work on much data has
    processes (`waterbed/store/forked.py`). No library writes secrets of TLS sessions to a file.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.pop("SSLKEYLOGFILE", None)
    gc.set_threshold(_LOADED)
    gc.callbacks.append(_searched)
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupted)
        from waterbed.cli.complete import completed  # noqa: PLC0415 (Ctrl-C is heard while these load too)

        if not completed():
            from waterbed.cli.app import run  # noqa: PLC0415 (the same)

            run()
    except KeyboardInterrupt:
        sys.exit(130)


def _searched(phase: str, _: object) -> None:
    """After the first search for garbage the next ones come sooner."""
    if phase == "stop":
        gc.callbacks.remove(_searched)
        gc.set_threshold(_YOUNG)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Ctrl-C ends a command in order, twice at once.

    While a module loads it ends at once as well: nothing is at work, and what loads may catch every exception.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, b"waterbed: stopped\n")
            os._exit(128 + number)
        frame = frame.f_back
    signal.signal(number, lambda *_: os._exit(128 + number))
    raise KeyboardInterrupt


if __name__ == "__main__":
    program()
