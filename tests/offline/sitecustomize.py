"""Refuses every packet that would leave loopback: loaded by each Python process of the tests."""

import ipaddress
import os
import sys

REFUSED = "tests stay on loopback: refused to reach"


def _hook(event: str, args: tuple) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _check(args[1])
    elif event == "socket.getaddrinfo" and args[0] is not None:
        _check((args[0] if isinstance(args[0], str) else bytes(args[0]).decode("latin-1"), 0))


def _check(address: object) -> None:
    if not isinstance(address, tuple) or not address:
        return
    host = str(address[0])
    if host in ("localhost", "", "0.0.0.0", "::"):
        return
    try:
        if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            return
    except ValueError:
        pass
    raise PermissionError(f"{REFUSED} an address outside")


sys.addaudithook(_hook)


class _Without:
    """Modules that a process is to run without, as if they were not installed."""

    names = frozenset(os.environ.get("WATERBED_TESTS_WITHOUT", "").split())

    @classmethod
    def find_spec(cls, name: str, *_: object) -> None:
        if name.partition(".")[0] in cls.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if _Without.names:
    sys.meta_path.insert(0, _Without)
