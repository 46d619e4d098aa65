"""Registries and Team Cymru by the command line, on loopback."""

import asyncio
import json
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest
from typer.testing import CliRunner

from tests.crawler.registry.registries import NOON, addresses_in, clock, lab_folder, networks, resolved
from waterbed.attribution.lookups.dns.cymru import ask_cymru
from waterbed.cli.app import app
from waterbed.lab.servers.rdap import RdapServers, RegistryBehaviour
from waterbed.lab.servers.rdap_data import Registries, TrueNetwork
from waterbed.model.bookkeeping import RunEnd
from waterbed.model.errors import InputError
from waterbed.model.registrations import Registration
from waterbed.store.config import Config
from waterbed.store.folder import create_folder
from waterbed.store.machine_settings import Lab
from waterbed.store.settings import Registry
from waterbed.study.study import Study

TEXTS = {
    "1.2.1.80.origin.asn.cymru.com.": ["3333 | 80.1.2.0/24 | NL | ripencc | 2001-01-01"],
    "2.2.1.80.origin.asn.cymru.com.": ["3333 1103 | 80.1.2.0/24 | NL |", "64500 | 80.1.0.0/16 | NL |"],
}


@contextmanager
def cymru() -> Iterator[str]:
    """A DNS server on loopback that answers as Team Cymru does; yields address:port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, peer = server.recvfrom(4096)
                if data == b"stop":
                    return
                query = dns.message.from_wire(data)
                reply = dns.message.make_response(query)
                name = query.question[0].name.to_text()
                if name in TEXTS:
                    reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *map(json.dumps, TEXTS[name])))
                else:
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                server.sendto(reply.to_wire(), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        where = server.getsockname()
        yield f"127.0.0.1:{where[1]}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"stop", where)
        thread.join()


def study(path: Path, resolver: str, addresses: list[str], **settings: object) -> Study:
    """A lab study with some addresses and a table of routes."""
    lab = Lab(resolver=resolver, clock=NOON, connect_to=())
    made = Study(create_folder(path / "study", Config(study="0" * 16, registry=Registry(**settings)), lab))  # type: ignore[arg-type]
    made.folder.store.add(resolved(addresses))
    table = path / "routes.csv"
    table.write_text('80.1.2.0,80.1.2.255,3333,"Lab Transit"\n')
    made.add_table(table, NOON.date())
    return made


def test_all_answers_of_team_cymru_are_taken() -> None:
    """Several lines, several origins in one; what is not announced is said to be so."""
    with cymru() as resolver:
        said = asyncio.run(ask_cymru(["80.1.2.1", "80.1.2.2", "80.1.2.3"], resolver, 3.0))
    assert said["80.1.2.1"].origins == (3333,)
    assert said["80.1.2.2"].origins == (1103, 3333, 64500)
    assert said["80.1.2.3"].problem == "not announced"


def test_a_resolver_that_is_silent_is_a_value() -> None:
    """A question without answer ends with the kind of failure."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        said = asyncio.run(ask_cymru(["80.1.2.1"], f"127.0.0.1:{server.getsockname()[1]}", 0.3))
    assert said["80.1.2.1"].problem == "LifetimeTimeout"


def test_origins_are_compared_and_not_taken_over(tmp_path: Path) -> None:
    """Ours beside theirs, exit code 1 where they differ; nothing is recorded, and only if the settings allow it."""
    with cymru() as resolver:
        made = study(tmp_path, resolver, ["80.1.2.1", "80.1.2.2"], cymru=True)
        made.close()
        words = ["-C", str(tmp_path / "study"), "enrich", "--table", "origins"]
        done = CliRunner().invoke(app, [*words, "--format", "csv"])
        table = CliRunner().invoke(app, words)
    assert done.exit_code == table.exit_code == 1
    assert [line.rpartition(",")[2] for line in done.stdout.splitlines()] == ["verdict", "same", "other"]
    assert "2 addresses: 1 same, 1 other" in table.stdout


def test_team_cymru_is_not_asked_unless_it_is_allowed(tmp_path: Path) -> None:
    """The setting is off by default."""
    study(tmp_path, "127.0.0.1:9", ["80.1.2.1"]).close()
    done = CliRunner().invoke(app, ["-C", str(tmp_path / "study"), "enrich", "--table", "origins"])
    assert isinstance(done.exception, InputError)
    assert "registry.cymru is false" in str(done.exception)


@pytest.mark.parametrize("faults", [{}, {"error": 1.0}])
def test_enrich_by_the_command_line(tmp_path: Path, faults: dict[str, float]) -> None:
    """A table by registry; exit code 1 if something stays without registration; the second call asks nothing."""
    known = [TrueNetwork(registry="ripe", prefix="80.1.2.0/24", handle="A", holder="ORG-A")]

    async def go() -> list[tuple[int, str]]:
        async with RdapServers(Registries(known), lambda: NOON, {"ripe": RegistryBehaviour(faults=faults)}) as servers:
            study(tmp_path, "127.0.0.1:9", ["80.1.2.1", "80.1.2.2"], bases=servers.bases).close()
            words = ["-C", str(tmp_path / "study"), "enrich"]
            said = []
            for _ in range(2):
                done = await asyncio.to_thread(CliRunner().invoke, app, words)
                said.append((done.exit_code, done.stdout))
            return said

    (first, table), (second, again) = asyncio.run(go())
    # AS3333 finds no registration in this lab: 404
    assert first == 1
    assert "ripe" in table
    assert f"3 look-ups in {2 if not faults else 12} requests, {3 if faults else 1} without registration" in table
    assert (second, "nothing to ask" in again) == (0, True)


@pytest.mark.long
def test_a_killed_crawl_goes_on(tmp_path: Path) -> None:
    """SIGKILL in its midst: what was written stays and is not asked for again, the rest is asked for by the next."""
    known = networks(1_000)

    async def go() -> None:
        async with RdapServers(Registries(known), clock().now) as servers:
            folder = lab_folder(tmp_path / "study", servers, addresses_in(known, 1))
            words = ["-m", "waterbed.cli", "-C", str(tmp_path / "study"), "enrich"]
            first = await asyncio.create_subprocess_exec(sys.executable, *words)
            while not folder.store.count(Registration):  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(0.02)
            first.send_signal(signal.SIGKILL)
            await first.wait()
            kept = {fact.asked for fact in folder.store.all(Registration) if not fact.level}
            assert 0 < len(kept) < 1_000
            second = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.DEVNULL)
            assert await second.wait() == 0
            asked = Counter(fact.asked for fact in folder.store.all(Registration) if not fact.level)
            assert (len(asked), max(asked.values())) == (1_000, 1)
            assert Counter(end.outcome for end in folder.store.all(RunEnd)) == {"killed": 1, "finished": 1}
            folder.close()

    asyncio.run(go())
