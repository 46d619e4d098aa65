"""Tells systemd that the service is ready, lives, stops."""

import os
import socket
from contextlib import suppress


def notify(said: str) -> bool:
    """Send a state like `READY=1` to who started us (sd_notify(3)); False if nobody asked for it."""
    place = os.environ.get("NOTIFY_SOCKET")
    if not place:
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as talk:
        talk.sendto(said.encode(), "\0" + place[1:] if place.startswith("@") else place)
        return True
    return False
