"""The lab's DNS server, asked over the wire."""

import socket
from datetime import datetime, timedelta

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.lab.servers.dns import Answers
from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.world.file import World
from waterbed.lab.world.records import Truth
from waterbed.lab.world.replay import replay


def _found(answer: dns.message.Message) -> set[str]:
    return {record.to_text() for rrset in answer.answer for record in rrset}


def _living(truth: Truth, now: datetime) -> dict[str, tuple[str, ...]]:
    return {host: found for host, timeline in truth.hosts.items() if (found := timeline.at(now))}


@pytest.mark.parametrize("tcp", [False, True])
def test_all_addresses_come(client, truth: Truth, now: datetime, tcp: bool) -> None:
    """A and AAAA together give a host's whole address set, with the lab's TTL, over UDP and TCP."""
    for host, addresses in list(_living(truth, now).items())[:20]:
        answers = [client.resolve(host, kind, tcp=tcp) for kind in ("A", "AAAA")]
        assert _found(answers[0]) | _found(answers[1]) == set(addresses)
        assert all(rrset.ttl == 60 for answer in answers for rrset in answer.answer)
        assert all(answer.rcode() == dns.rcode.NOERROR for answer in answers)


def test_unknown_names_do_not_exist(client) -> None:
    """A name that is not there gives NXDOMAIN with an SOA record."""
    answer = client.resolve("nobody.example")
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert answer.authority[0].rdtype == dns.rdatatype.SOA


def test_missing_kinds_are_no_data(client, truth: Truth, now: datetime) -> None:
    """A host without IPv6 has no AAAA, which is not NXDOMAIN; nor has any host a mail exchanger."""
    host = next(h for h, found in _living(truth, now).items() if not any(":" in a for a in found))
    for kind in ("AAAA", "MX"):
        answer = client.resolve(host, kind)
        assert answer.rcode() == dns.rcode.NOERROR
        assert not answer.answer
        assert answer.authority[0].rdtype == dns.rdatatype.SOA


def test_names_are_known_in_any_case(client, truth: Truth, now: datetime) -> None:
    """Upper case in a question makes no difference, and is given back as asked."""
    host, addresses = next(iter(_living(truth, now).items()))
    answer = client.resolve(host.upper())
    assert _found(answer) <= set(addresses)
    assert answer.question[0].name.to_text() == f"{host.upper()}."


def test_a_stub_resolver_is_content(servers: LabServers, truth: Truth, now: datetime) -> None:
    """Dnspython's resolver takes answers, absence and emptiness as what they are."""
    resolver = dns.resolver.Resolver(configure=False)
    address, _, port = servers.resolver.partition(":")
    resolver.nameservers, resolver.port = [address], int(port)
    living = _living(truth, now)
    host = next(h for h, found in living.items() if not any(":" in a for a in found))
    assert {r.to_text() for r in resolver.resolve(host, "A")} == set(living[host])
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve("nobody.example", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        resolver.resolve(host, "AAAA")


def test_an_outage_is_silence(client, servers: LabServers, world: World) -> None:
    """During an outage neither hosts nor the canary get an answer."""
    servers.set_time(world.start + timedelta(hours=52))
    for host in ("nobody.example", "first.waterbed-canary.net"):
        with pytest.raises(dns.exception.Timeout):
            client.resolve(host, seconds=0.2)


def test_long_answers_are_cut_and_come_whole_over_tcp() -> None:
    """An answer too long for UDP is truncated, and TCP gives all of it."""
    many = replay(("http://many.example/", f"28.0.{n // 250}.{n % 250}") for n in range(200))
    answers = Answers(many, lambda: datetime(2025, 4, 1))
    query = dns.message.make_query("many.example", "A", use_edns=0, payload=4096)
    short = dns.message.from_wire(answers.answer(query.to_wire(), udp=True))
    assert short.flags & dns.flags.TC
    assert not short.answer
    assert len(_found(dns.message.from_wire(answers.answer(query.to_wire(), udp=False)))) == 200


def test_other_operations_are_refused(servers: LabServers) -> None:
    """A message that is no ordinary query gets an error code, never silence."""
    notify = dns.message.make_query("a.example", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    address, _, port = servers.resolver.partition(":")
    assert dns.query.udp(notify, address, port=int(port), timeout=60).rcode() == dns.rcode.NOTIMP


def test_tcp_takes_several_queries(servers: LabServers, truth: Truth, now: datetime) -> None:
    """Several queries on one connection, in small pieces, all get answers."""
    hosts = list(_living(truth, now))[:5]
    address, _, port = servers.resolver.partition(":")
    with socket.create_connection((address, int(port)), timeout=60) as sock:
        sent = b""
        for host in hosts:
            query = dns.message.make_query(host, "A").to_wire()
            sent += len(query).to_bytes(2, "big") + query
        for start in range(0, len(sent), 7):
            sock.sendall(sent[start : start + 7])
        for host in hosts:
            message, _ = dns.query.receive_tcp(sock, expiration=None)
            assert message.question[0].name.to_text() == f"{host}."


@given(st.binary(max_size=80))
def test_nonsense_never_breaks_the_server(scene: WorldScene, data: bytes) -> None:
    """Whatever bytes come, there is an answer with their id, or none."""
    answers = Answers(scene, lambda: datetime.fromisoformat("2025-04-02T00:00:00+00:00"))
    answer = answers.answer(data, udp=True)
    assert answer == b"" or answer[:2] == data[:2]
