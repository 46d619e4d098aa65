"""systemd's unit files: the service, or passes by a timer."""

import getpass
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from waterbed.model.errors import InputError
from waterbed.store.config import Config
from waterbed.store.whole.files import DISK, write_whole
from waterbed.store.whole.folders import folder_for

_SEE = "docs/service.md, systemd"

_HARDENED = """\
Environment=WATERBED_KEY_FILE={keys}
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictRealtime=yes
LockPersonality=yes
ReadWritePaths={study}
"""

_SERVICE = (
    """\
[Unit]
Description=Waterbed keeps a study on schedule
Wants=network-online.target
After=network-online.target time-sync.target postgresql.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={user}
ExecStart={program} -C {study} run{processes}
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2
WatchdogSec=300
KillMode=mixed
TimeoutStopSec={stop}
"""
    + _HARDENED
    + """
[Install]
WantedBy=multi-user.target
"""
)

_PASS = (
    """\
[Unit]
Description=Waterbed makes one pass over a study
Wants=network-online.target
After=network-online.target time-sync.target postgresql.service

[Service]
Type=oneshot
User={user}
ExecStart={program} -C {study} recheck{processes}
SuccessExitStatus=1
TimeoutStartSec=infinity
TimeoutStopSec={stop}
"""
    + _HARDENED
)

_TIMER = """\
[Unit]
Description=Waterbed makes a pass over a study every ten minutes

[Timer]
OnCalendar=*:0/10
AccuracySec=1s
RandomizedDelaySec=30
Persistent=yes

[Install]
WantedBy=timers.target
"""


def units(*, study: Path, program: Path, keys: Path, user: str, config: Config, processes: int = 1) -> dict[str, str]:
    """Return the unit files by name.

    Install waterbed.service, or waterbed-pass.service with waterbed-pass.timer; not both.
    """
    values = {
        "study": _quoted(study),
        "program": _quoted(program),
        "keys": _quoted(keys),
        "user": user,
        "processes": f" --processes {processes}" if processes > 1 else "",
        "stop": round(config.service.stop_s + config.schedule.lease_s + 30),
    }
    return {
        "waterbed.service": _SERVICE.format(**values),
        "waterbed-pass.service": _PASS.format(**values),
        "waterbed-pass.timer": _TIMER,
    }


def write_units(folder: Path, *, study: Path, keys: Path, config: Config, processes: int = 1) -> list[Path]:
    """Write a study's unit files into a folder.

    InputError if the folder cannot be written to.
    """
    made = units(
        study=study.resolve(),
        program=_program(),
        keys=keys.resolve(),
        user=getpass.getuser(),
        config=config,
        processes=processes,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            write_whole(folder / name, text.encode())
    except OSError as problem:
        if problem.errno in DISK:
            raise
        raise InputError(f"{folder} cannot be written ({problem.strerror}); name another folder ({_SEE})") from None
    return [folder / name for name in made]


@contextmanager
def room_for_units(folder: Path, *, study: Path, keys: Path, config: Config) -> Iterator[None]:
    """Try if a study's unit files could be written.

    InputError if not; then, or after a failure in the block, no folder is left that was made for them.
    """
    try:
        with folder_for(folder):
            with TemporaryDirectory(prefix=".waterbed-", dir=folder) as trial:
                write_units(Path(trial), study=study, keys=keys, config=config)
            yield
    except OSError as problem:
        if problem.errno in DISK:
            raise
        raise InputError(f"{folder} cannot be written ({problem.strerror}); name another folder ({_SEE})") from None


def _program() -> Path:
    """The `waterbed` beside this Python, else the one on the path."""
    beside = Path(sys.executable).parent / "waterbed"
    found = beside if beside.exists() else Path(shutil.which("waterbed") or beside)
    return found.absolute()


def _quoted(path: Path) -> str:
    """A path as systemd reads it: % is doubled; one with spaces or quotes is refused."""
    text = str(path)
    if any(sign.isspace() or sign in "\"'\\;" or not sign.isprintable() for sign in text):
        raise InputError(
            f"{text!r} holds a space, a quote, a backslash or a semicolon: no unit file can name it ({_SEE})"
        )
    return text.replace("%", "%%").replace("$", "$$")


def notify(state: str) -> bool:
    """Send a state like `READY=1` to systemd (sd_notify(3)).

    False if the process was not started by systemd.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        return True
    return False
