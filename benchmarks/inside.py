"""Where only loopback exists: a benchmark starts itself again in namespaces of its own."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMESPACES = ("unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc")


def enter() -> int:
    """Start this program again, with --inside; whatever is started there ends with it."""
    spaces = NAMESPACES if os.geteuid() == 0 else (*NAMESPACES, "-r")
    if subprocess.run([*spaces, "true"], capture_output=True, check=False, timeout=60).returncode:
        print("no network namespace can be made here; run it as root, on Linux, where unshare is allowed")
        return 2
    return subprocess.run([*spaces, sys.executable, *sys.argv, "--inside"], check=False).returncode


def loopback_up() -> None:
    """Bring up the one device that this namespace has."""
    subprocess.run([sys.executable, HERE.parent / "tests" / "offline" / "lo_up.py"], check=True, timeout=60)


def own_names(folder: Path, server: str) -> None:
    """Let the C library ask our name server and nothing else."""
    for etc, text in {"resolv.conf": f"nameserver {server}\n", "nsswitch.conf": "hosts: dns\n"}.items():
        if not Path("/etc", etc).exists():  # without it the C library asks 127.0.0.1 too
            continue
        private = folder / etc
        private.write_text(text)
        subprocess.run(["mount", "--bind", private, Path("/etc", etc).resolve()], check=True, timeout=60)
    if Path("/run/nscd").is_dir():  # a caching daemon would answer from outside
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run/nscd"], check=True, timeout=60)
