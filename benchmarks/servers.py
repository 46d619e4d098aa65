"""nginx and nsd on loopback: the world that both crawlers meet."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from urllib.request import ProxyHandler, build_opener

PROGRAMS = ("nginx", "nsd", "nsd-control", "unshare", "mount")
PEER_RESOLVER, OUR_RESOLVER = ("127.0.0.1", 53), ("127.0.0.1", 5300)
WEB, COUNTER = ("127.0.0.1", 80), ("127.0.0.1", 8081)
START_S = 20.0
"""How long a server may take to start, seconds."""

_NGINX = """
daemon off; user root; worker_processes 1; worker_rlimit_nofile 65536; pid {folder}/nginx.pid;
error_log /dev/null crit;
events {{ worker_connections 16384; }}
http {{
  access_log off; default_type text/html; merge_slashes off; large_client_header_buffers 8 32k;
  keepalive_requests 100000000; keepalive_timeout 75s;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen {web} default_server backlog=4096;
    add_header ETag '"67f3c1a2-1d4"'; add_header Last-Modified "Mon, 07 Apr 2025 12:00:00 GMT";
    location / {{ return 200; }}
  }}
  server {{ listen {counter}; location / {{ stub_status; }} }}
}}
"""
# nsd plays a recursive resolver: nothing is added to an answer, and no limit of answers a second is measured
_NSD = """
server:
  ip-address: {address}@{port}
  server-count: 1
  tcp-count: 1000
  username: ""
  chroot: ""
  minimal-responses: yes
  zonesdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  logfile: "/dev/null"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: "{folder}/control"
"""
_ZONE = """zone:
  name: "{name}"
  zonefile: "{number}.zone"
"""
_RECORDS = """$TTL 3600
@ IN SOA ns.invalid. admin.invalid. 1 3600 900 604800 3600
@ IN NS ns.invalid.
* IN A {address}
"""
SPREAD = "spread.example"
"""A zone of our own name server in which the names below each label have an address of their own."""

Address = Callable[[int], str]
"""From a zone's number to the address of every name in it."""


def missing(*others: str) -> list[str]:
    """The programs that are not installed, of the servers' and of others."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    return [name for name in (*PROGRAMS, *others) if shutil.which(name) is None]


def versions() -> str:
    """The servers' versions."""
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False, timeout=START_S).stderr
    nsd = subprocess.run(["nsd", "-v"], capture_output=True, text=True, check=False, timeout=START_S).stderr
    found = re.search(r"nginx/\S+", nginx), re.search(r"[0-9.]{5,}[0-9]", nsd)
    return ", ".join(word.group() if word else "?" for word in found).replace(", ", ", nsd ")


def public(number: int) -> str:
    """A public-looking address for each of 16 million numbers, in a network of its own for the first 65,536."""
    return f"11.{number >> 8 & 255}.{number & 255}.{1 + (number >> 16)}"


class Servers:
    """Both name servers and the web server; they end with the block."""

    def __init__(self, folder: Path, zones: Sequence[str], spread: Mapping[str, str] | None = None) -> None:
        """Take a folder, the zones beside the root, and the labels of SPREAD with their addresses; start nothing."""
        self._folder = folder
        self._spread = spread or {}
        self._zones = ("", *zones)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start all, and wait until they answer."""
        try:
            self._nsd(PEER_RESOLVER, lambda _: WEB[0])
            self._nsd(OUR_RESOLVER, public)
            self._nginx()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all."""
        self._stack.close()

    def queries(self, where: tuple[str, int]) -> int:
        """How many DNS queries a name server has had."""
        conf = self._folder / f"nsd-{where[1]}" / "nsd.conf"
        done = subprocess.run(
            ["nsd-control", "-c", conf, "stats_noreset"], capture_output=True, text=True, check=True, timeout=START_S
        )
        found = re.search(r"^num\.queries=(\d+)", done.stdout, re.MULTILINE)
        if found is None:
            raise RuntimeError("nsd-control tells no num.queries: this nsd was built without statistics")
        return int(found.group(1))

    def requests(self) -> int:
        """How many HTTP requests nginx has had, this question among them."""
        with build_opener(ProxyHandler({})).open(f"http://{COUNTER[0]}:{COUNTER[1]}/", timeout=START_S) as answer:
            return int(answer.read().split(b"requests\n")[1].split()[2])

    def _nsd(self, where: tuple[str, int], address: Address) -> None:
        folder = self._folder / f"nsd-{where[1]}"
        folder.mkdir()
        settings = [_NSD.format(address=where[0], port=where[1], folder=folder)]
        for number, name in enumerate(self._zones):
            (folder / f"{number}.zone").write_text(_RECORDS.format(address=address(number)))
            settings.append(_ZONE.format(name=f"{name}.", number=number))
        if self._spread:
            labels = "".join(f"*.{label} IN A {its}\n" for label, its in self._spread.items())
            (folder / "spread.zone").write_text(_RECORDS.format(address=address(0)) + labels)
            settings.append(_ZONE.format(name=f"{SPREAD}.", number="spread"))
        conf = folder / "nsd.conf"
        conf.write_text("".join(settings))
        self._start(["nsd", "-d", "-c", conf], where)

    def _nginx(self) -> None:
        conf = self._folder / "nginx.conf"
        listen = {"web": f"{WEB[0]}:{WEB[1]}", "counter": f"{COUNTER[0]}:{COUNTER[1]}"}
        conf.write_text(_NGINX.format(folder=self._folder, **listen))
        self._start(["nginx", "-e", "/dev/null", "-p", self._folder, "-c", conf], WEB)

    def _start(self, command: list[str | Path], where: tuple[str, int]) -> None:
        errors = (self._folder / f"{command[0]}-{where[1]}.txt").open("w+")
        self._stack.callback(errors.close)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        self._stack.callback(_stop, process)
        ends = time.monotonic() + START_S
        while time.monotonic() < ends and process.poll() is None:
            try:
                socket.create_connection(where, timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        errors.seek(0)
        raise RuntimeError(f"{command[0]} did not start on {where[0]}:{where[1]}: {errors.read(2000)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(START_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(START_S)
