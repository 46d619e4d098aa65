"""Hosts to addresses, against a real DNS server on loopback."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from typing import Any

import dns.edns
import dns.flags
import dns.message
import pytest

from waterbed.attribution.lookups.dns.messages import A, wire_name
from waterbed.attribution.lookups.dns.replies import MAX_ADDRESSES, MAX_NAME_SERVERS, Answer, Reply, combine
from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.attribution.lookups.dns.transport import Datagrams
from waterbed.model.errors import InputError, OwnFailure
from waterbed.model.urls import SPECIAL_USE

HOST = "www.shop.test"


@contextlib.asynccontextmanager
async def _resolver(server: Any, **settings: Any) -> AsyncIterator[Resolver]:
    resolver = Resolver(server.address, **{"timeout_s": 5.0, "tries": 2, "in_flight": 50, **settings})
    try:
        yield resolver
    finally:
        await resolver.close()


def ask(server: Any, host: str = HOST, **settings: Any) -> Answer:
    """One host's answer from a fresh resolver."""

    async def run() -> Answer:
        async with _resolver(server, **settings) as resolver:
            return await resolver.resolve(host)

    return asyncio.run(run())


def with_resolver(server: Any, use: Callable[[Resolver], Awaitable[Any]], **settings: Any) -> Any:
    """Run a coroutine with a fresh resolver."""

    async def run() -> Any:
        async with _resolver(server, **settings) as resolver:
            return await use(resolver)

    return asyncio.run(run())


def test_all_addresses_of_both_families_come_sorted(server):
    """A and AAAA are one set, in canonical spelling, with the smallest TTL."""
    server.records[HOST, "A"] = [f"{HOST}. 300 IN A 192.0.2.9|192.0.2.10"]
    server.records[HOST, "AAAA"] = [f"{HOST}. 120 IN AAAA 2001:db8:0::1"]
    answer = ask(server, "WWW.Shop.test.")
    assert answer == Answer(
        status="ok",
        addresses=("192.0.2.10", "192.0.2.9", "2001:db8::1"),
        cnames=(),
        ttl_s=120,
        ede=(),
        resolver=server.address,
    )
    assert sorted(server.asked) == [(HOST, "A", False), (HOST, "AAAA", False)]


def test_a_name_that_does_not_exist_is_nxdomain(server):
    """Both denials together are nxdomain, held for the SOA's minimum."""
    answer = ask(server, "gone.test")
    assert (answer.status, answer.addresses, answer.ttl_s) == ("nxdomain", (), 60)


def test_a_name_without_addresses_is_nodata(server):
    """A name that exists without A and AAAA is nodata."""
    server.records[HOST, "MX"] = [f"{HOST}. 300 IN MX 1 mail.test."]
    assert ask(server).status == "nodata"


@pytest.mark.parametrize(("rcode", "status"), [(2, "servfail"), (5, "refused"), (4, "refused"), (1, "bad_answer")])
def test_each_error_code_has_its_status(server, rcode, status):
    """A response code is kept apart from absence."""
    server.scripts[HOST] = lambda query, tcp: [server.reply(query, rcode=rcode).to_wire()]
    assert ask(server).status == status


def test_silence_is_a_timeout_after_all_tries(server):
    """Each question is sent as often as configured, then given up."""
    server.scripts[HOST] = lambda query, tcp: []
    assert ask(server, timeout_s=0.2, tries=3).status == "timeout"
    assert len(server.asked) == 6


def test_nobody_listening_is_a_timeout():
    """A closed port, which sends ICMP errors, is a value and no exception."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def run() -> Answer:
        resolver = Resolver(f"127.0.0.1:{port}", timeout_s=0.1, tries=2, in_flight=5)
        answer = await resolver.resolve(HOST)
        await resolver.close()
        return answer

    assert asyncio.run(run()).status == "timeout"


def test_a_lost_datagram_is_asked_again(server):
    """A second try brings the answer that the first one missed."""
    seen = []

    def script(query, tcp):
        kind = query.question[0].rdtype.name
        seen.append(kind)
        return [server.reply(query, f"{HOST}. 60 IN A 192.0.2.1").to_wire()] if seen.count(kind) > 1 else []

    server.scripts[HOST] = script
    server.records[HOST, "A"] = []
    assert ask(server, timeout_s=0.5).addresses == ("192.0.2.1",)


def test_a_truncated_answer_is_fetched_over_tcp_and_bounded(server):
    """Of a thousand addresses the first ones in sorted order are kept."""
    all_ = [f"192.0.{2 + i // 250}.{i % 250}" for i in range(1000)]

    def script(query, tcp):
        if not tcp:
            short = server.reply(query)
            short.flags |= dns.flags.TC
            return [short.to_wire()]
        texts = [f"{HOST}. 60 IN A {'|'.join(all_)}"] if query.question[0].rdtype.name == "A" else []
        return [server.reply(query, *texts).to_wire(max_size=65_535)]

    server.scripts[HOST] = script
    answer = ask(server)
    assert answer.addresses == tuple(sorted(all_)[:MAX_ADDRESSES])
    assert {(kind, tcp) for _, kind, tcp in server.asked} == {(k, t) for k in ("A", "AAAA") for t in (False, True)}


@pytest.mark.parametrize("broken", [[], [b"\x00"], [bytes(40)]])
def test_truncation_without_a_fit_answer_over_tcp_is_a_timeout(server, broken):
    """A resolver that truncates and then hangs up or raves brings no addresses."""

    def truncating(query, tcp):
        short = server.reply(query)
        short.flags |= dns.flags.TC
        return broken if tcp else [short.to_wire()]

    server.scripts[HOST] = truncating
    answer = ask(server, timeout_s=0.3)
    assert (answer.status, answer.addresses) == ("timeout", ())


def _chain(links: int) -> list[str]:
    names = [HOST, *(f"c{i}.test" for i in range(links))]
    texts = [f"{a}. 60 IN CNAME {b}." for a, b in pairwise(names)]
    return [*texts, f"{names[-1]}. 60 IN A 192.0.2.1"]


@pytest.mark.parametrize(("links", "status"), [(1, "ok"), (16, "ok"), (17, "too_long"), (20, "too_long")])
def test_a_chain_of_names_is_followed_up_to_sixteen_links(server, links, status):
    """CNAMEs inside the answer are followed in order and kept."""
    server.records[HOST, "A"] = server.records[HOST, "AAAA"] = _chain(links)
    answer = ask(server)
    assert answer.status == status
    if status == "ok":
        assert answer.cnames == tuple(f"c{i}.test" for i in range(links))
        assert answer.addresses == ("192.0.2.1",)


def test_a_chain_that_ends_in_nothing_keeps_its_names(server):
    """A dangling CNAME is nxdomain, and the chain is kept."""
    server.scripts[HOST] = lambda query, tcp: [
        server.reply(query, f"{HOST}. 60 IN CNAME gone.other.", rcode=3).to_wire()
    ]
    answer = ask(server)
    assert (answer.status, answer.cnames) == ("nxdomain", ("gone.other",))


def test_a_loop_of_names_is_a_bad_answer(server):
    """A chain that comes back to itself ends, as bad_answer."""
    loop = [f"{HOST}. 60 IN CNAME b.test.", f"b.test. 60 IN CNAME {HOST}."]
    server.records[HOST, "A"] = server.records[HOST, "AAAA"] = loop
    assert ask(server).status == "bad_answer"


def test_wrong_answers_are_ignored_and_do_not_end_the_wait(server):
    """A wrong id, another question, a query and noise before the true answer change nothing."""

    def script(query, tcp):
        right = server.reply(query, f"{HOST}. 60 IN A 192.0.2.1").to_wire()
        lie = server.reply(query, f"{HOST}. 60 IN A 203.0.113.66").to_wire()
        other = dns.message.make_query("other.test", "A", id=query.id)
        wrong_id = bytes([lie[0] ^ 1]) + lie[1:]
        wrong_question = server.reply(other, "other.test. 60 IN A 203.0.113.66").to_wire()
        return [b"", b"x", wrong_id, wrong_question, lie[:2] + query.to_wire()[2:], lie[:14], right]

    server.scripts[HOST] = script
    assert ask(server).addresses == ("192.0.2.1",)


def test_an_answer_from_another_source_is_ignored(server):
    """A right-looking answer that another socket sends is never heard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as spoofer:

        def script(query, tcp):
            lie = server.reply(query, f"{HOST}. 60 IN A 203.0.113.66").to_wire()
            spoofer.sendto(lie, server.last_sender)
            return [server.reply(query, f"{HOST}. 60 IN A 192.0.2.1").to_wire()]

        server.scripts[HOST] = script
        assert ask(server).addresses == ("192.0.2.1",)


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_malformed_answer_is_a_bad_answer(server, cut):
    """An answer to our question that breaks off is a value, not an exception."""
    server.scripts[HOST] = lambda query, tcp: [server.reply(query, f"{HOST}. 60 IN A 192.0.2.1").to_wire()[:-cut]]
    assert ask(server).status == "bad_answer"


def test_extended_errors_are_kept(server):
    """EDE codes of both answers are kept, sorted, once."""

    def script(query, tcp):
        response = server.reply(query, rcode=2)
        code = 22 if query.question[0].rdtype.name == "A" else 9
        response.use_edns(0, options=[dns.edns.EDEOption(code), dns.edns.EDEOption(23)])
        return [response.to_wire()]

    server.scripts[HOST] = script
    answer = ask(server)
    assert (answer.status, answer.ede) == ("servfail", (9, 22, 23))


@pytest.mark.parametrize(
    ("host", "status", "addresses"),
    [
        ("192.0.2.7", "literal", ("192.0.2.7",)),
        ("2001:DB8:0:0::7", "literal", ("2001:db8::7",)),
        ("[2001:db8::7]", "literal", ("2001:db8::7",)),
        ("", "bad_name", ()),
        (".", "bad_name", ()),
        ("a..b", "bad_name", ()),
        ("a b.test", "bad_name", ()),
        ("ä.test", "bad_name", ()),
        ("x" * 64 + ".test", "bad_name", ()),
        (".".join(["x" * 50] * 6), "bad_name", ()),
        ("a\x00.test", "bad_name", ()),
        *((f"{name}{suffix}", "special_use", ()) for name in ("", "a.", "a.b.") for suffix in SPECIAL_USE),
        ("A.ONION.", "special_use", ()),
        ("printer.HOME.arpa", "special_use", ()),
    ],
)
def test_literals_and_impossible_names_are_not_asked(server, host, status, addresses):
    """What needs no resolver never reaches it."""
    answer = ask(server, host)
    assert (answer.status, answer.addresses, server.asked) == (status, addresses, [])


def _asked_after(server: Any, hold: float, **settings: Any) -> int:
    now = [1000.0]

    async def use(resolver: Resolver) -> int:
        await resolver.resolve(HOST)
        await resolver.resolve(HOST)
        first = len(server.asked)
        now[0] += hold - 0.5
        await resolver.resolve(HOST)
        assert len(server.asked) == first
        now[0] += 1
        await resolver.resolve(HOST)
        return len(server.asked) - first

    return with_resolver(server, use, clock=lambda: now[0], **settings)


def test_an_answer_is_remembered_for_its_ttl(server):
    """Within the TTL nothing is asked, after it both questions are."""
    server.records[HOST, "A"] = [f"{HOST}. 30 IN A 192.0.2.1"]
    assert _asked_after(server, 30) == 2


def test_a_denial_is_remembered_no_longer_than_wanted(server):
    """The checks that confirm a loss ask anew, whatever the SOA allows; addresses keep their TTL."""
    assert _asked_after(server, 20, denial_s=20.0) == 2
    server.records[HOST, "A"] = [f"{HOST}. 300 IN A 192.0.2.9"]
    server.records[HOST, "AAAA"] = [f"{HOST}. 300 IN AAAA 2001:db8::1"]
    assert _asked_after(server, 300, denial_s=20.0) == 2


def test_a_denial_is_remembered_for_the_smaller_soa_time(server):
    """The SOA's TTL of 300 and minimum of 60 seconds make 60 (RFC 2308)."""
    assert _asked_after(server, 60) == 2


def test_a_failure_is_remembered_for_five_seconds(server):
    """A failing name is not hammered."""
    server.scripts[HOST] = lambda query, tcp: [server.reply(query, rcode=2).to_wire()]
    assert _asked_after(server, 5) == 2


@pytest.mark.parametrize("texts", [[f"{HOST}. 0 IN A 192.0.2.1"], []])
def test_what_may_not_be_kept_is_asked_each_time(server, texts):
    """TTL 0, and a denial without SOA, are not remembered."""
    server.scripts[HOST] = lambda query, tcp: [server.reply(query, *texts).to_wire()]

    async def use(resolver: Resolver) -> None:
        for _ in range(3):
            await resolver.resolve(HOST)

    with_resolver(server, use)
    assert len(server.asked) == 6


def test_who_asks_for_the_same_host_joins_in(server):
    """Fifty at once cost one pair of questions, and one of them leaving hurts no other."""
    server.records[HOST, "A"] = [f"{HOST}. 0 IN A 192.0.2.1"]

    async def use(resolver: Resolver) -> list[Any]:
        tasks = [asyncio.ensure_future(resolver.resolve(HOST)) for _ in range(50)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, *others = with_resolver(server, use)
    assert isinstance(first, asyncio.CancelledError)
    assert {a.addresses for a in others} == {("192.0.2.1",)}
    assert len(server.asked) == 2


def test_only_so_many_hosts_are_asked_at_once(server):
    """With three in flight and no answers, a fourth host waits."""
    hosts = [f"h{i}.test" for i in range(6)]
    server.scripts = dict.fromkeys(hosts, lambda query, tcp: [])

    async def use(resolver: Resolver) -> int:
        tasks = [asyncio.ensure_future(resolver.resolve(h)) for h in hosts]
        await asyncio.sleep(0.2)
        most = len(server.hosts_asked())
        await asyncio.gather(*tasks)
        return most

    assert with_resolver(server, use, in_flight=3, timeout_s=0.5, tries=1) == 3
    assert server.hosts_asked() == set(hosts)


def test_many_names_over_rotating_ports_all_get_their_own_answer(server):
    """Answers never go to another name, while tasks are collected and TCP is in use."""
    hosts = {f"h{i}.test": f"198.18.{i // 256}.{i % 256}" for i in range(600)}

    def script(query, tcp):
        host = query.question[0].name.to_text(omit_final_dot=True)
        kind = query.question[0].rdtype.name
        response = server.reply(query, *([f"{host}. 60 IN A {hosts[host]}"] if kind == "A" else []))
        if not tcp and int(host[1 : host.index(".")]) % 50 == 0:
            response.answer, response.flags = [], response.flags | dns.flags.TC
        return [response.to_wire()]

    server.scripts = dict.fromkeys(hosts, script)

    async def use(resolver: Resolver) -> list[Answer]:
        gc.freeze()  # what there was before is not looked through each time
        tasks = [asyncio.ensure_future(resolver.resolve(h)) for h in hosts]
        while not all(t.done() for t in tasks):
            gc.collect()
            await asyncio.sleep(0.01)
        gc.unfreeze()
        return await asyncio.gather(*tasks)

    answers = with_resolver(server, use, timeout_s=60.0, tries=4)  # 1,200 questions at once, on a busy machine
    assert [a.addresses for a in answers] == [(address,) for address in hosts.values()]


def test_what_was_asked_leaves_no_cycles(server):
    """Memory of an answered question is free at once, without the collector."""
    hosts = [f"h{n}.test" for n in range(100)]
    for host in hosts:
        server.records[host, "A"] = [f"{host}. 60 IN A 192.0.2.9"]

    async def use(resolver: Resolver) -> set[str]:
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await asyncio.gather(*(resolver.resolve(host) for host in hosts))
            gc.collect()
            return {type(one).__module__.partition(".")[0] for one in gc.garbage}  # of other threads, too
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    assert "attribution" not in with_resolver(server, use)


def test_an_id_in_use_again_is_not_taken_from_its_new_owner(server):
    """Giving up a question that was answered leaves a later one alone that has the same port and id."""

    async def run() -> None:
        heard = asyncio.Event()
        datagrams = Datagrams(("127.0.0.1", server.port))
        first = datagrams.ask(wire_name(HOST) + A, lambda data: heard.set())
        await heard.wait()
        port, number, _ = first
        wait = port.waiting[number] = (wire_name("other.test") + A, lambda data: None)
        datagrams.forget(first)
        assert port.waiting == {number: wait}
        datagrams.forget((port, number, wait))
        assert port.waiting == {}
        datagrams.close()

    asyncio.run(run())


def test_closing_tells_those_who_wait(server):
    """A closed resolver is our own failure, never a fact about a name."""
    server.scripts[HOST] = lambda query, tcp: []

    async def use(resolver: Resolver) -> list[Any]:
        waiting = asyncio.ensure_future(resolver.resolve(HOST))
        await asyncio.sleep(0.01)
        await resolver.close()
        return await asyncio.gather(waiting, resolver.resolve(HOST), return_exceptions=True)

    assert [type(r) for r in with_resolver(server, use)] == [OwnFailure, OwnFailure]


def test_no_repr_tells_a_name(server):
    """Neither the answer nor a failure's text repeats a host name."""
    server.records[HOST, "A"] = _chain(2)
    answer = ask(server)
    assert answer.cnames == ("c0.test", "c1.test")
    assert "test" not in repr(answer)


DOMAIN = "shop.test"


def servers_of(server: Any, domain: str = DOMAIN, **settings: Any) -> tuple[str, ...] | None:
    """A domain's name servers from a fresh resolver."""
    return with_resolver(server, lambda resolver: resolver.name_servers(domain), **settings)


def test_name_servers_come_sorted_and_in_lower_case(server):
    """NS records are asked for alone, once, and a root target is left out."""
    server.records[DOMAIN, "NS"] = [f"{DOMAIN}. 300 IN NS NS2.Host.Test.|ns1.host.test.|."]
    assert servers_of(server, "SHOP.test.") == ("ns1.host.test", "ns2.host.test")
    assert server.asked == [(DOMAIN, "NS", False)]


@pytest.mark.parametrize("rcode", [0, 3])
def test_a_domain_without_name_servers_has_none(server, rcode):
    """Denials of both kinds are the empty set."""
    server.scripts[DOMAIN] = lambda query, tcp: [server.reply(query, rcode=rcode).to_wire()]
    assert servers_of(server) == ()


@pytest.mark.parametrize("domain", ["192.0.2.7", "2001:db8::7", "", "a..b", "a b.test"])
def test_what_is_no_domain_has_no_name_servers(server, domain):
    """Literals and impossible names are not asked."""
    assert servers_of(server, domain) == ()
    assert server.asked == []


@pytest.mark.parametrize(
    "script",
    [
        lambda server, query: server.reply(query, rcode=2).to_wire(),
        lambda server, query: server.reply(query, rcode=5).to_wire(),
        lambda server, query: server.reply(query, f"{DOMAIN}. 60 IN CNAME else.test.").to_wire(),
        lambda server, query: server.reply(query, f"{DOMAIN}. 60 IN NS ns1.host.test.", rcode=3).to_wire(),
        lambda server, query: server.reply(query, f"{DOMAIN}. 60 IN NS ns1.host.test.").to_wire()[:-15],
    ],
)
def test_name_servers_that_cannot_be_told_are_unknown(server, script):
    """Error codes, an alias in the domain's place and broken answers give None, which is not none."""
    server.scripts[DOMAIN] = lambda query, tcp: [script(server, query)]
    assert servers_of(server) is None


def test_silence_about_name_servers_is_unknown(server):
    """After all tries the name servers are unknown."""
    server.scripts[DOMAIN] = lambda query, tcp: []
    assert servers_of(server, timeout_s=0.2, tries=2) is None
    assert len(server.asked) == 2


def test_many_name_servers_come_over_tcp_and_are_bounded(server):
    """Of two hundred the first ones in sorted order are kept."""
    all_ = [f"ns{n:03}.host.test" for n in range(200)]

    def script(query, tcp):
        if not tcp:
            short = server.reply(query)
            short.flags |= dns.flags.TC
            return [short.to_wire()]
        return [server.reply(query, f"{DOMAIN}. 60 IN NS {'.|'.join(all_)}.").to_wire(max_size=65_535)]

    server.scripts[DOMAIN] = script
    assert servers_of(server) == tuple(all_[:MAX_NAME_SERVERS])
    assert [tcp for _, _, tcp in server.asked] == [False, True]


@pytest.mark.parametrize(("texts", "hold"), [([f"{DOMAIN}. 30 IN NS ns1.host.test."], 30), ([], 60)])
def test_name_servers_are_remembered_for_their_ttl(server, texts, hold):
    """A set is held for its TTL, a denial for the SOA's minimum, beside the addresses of the same name."""
    server.records[DOMAIN, "NS"] = texts
    server.records[DOMAIN, "A"] = [f"{DOMAIN}. 300 IN A 192.0.2.1"]
    now = [1000.0]

    async def use(resolver: Resolver) -> list[int]:
        counts = []
        for later in (0.0, hold - 0.5, 1.0):
            now[0] += later
            await asyncio.gather(*(resolver.name_servers(DOMAIN) for _ in range(3)))
            counts.append(sum(kind == "NS" for _, kind, _ in server.asked))
        assert (await resolver.resolve(DOMAIN)).addresses == ("192.0.2.1",)
        return counts

    assert with_resolver(server, use, clock=lambda: now[0]) == [1, 1, 2]


def test_a_half_answer_is_remembered_briefly(server):
    """When AAAA fails, the addresses of A stand, with A's TTL, and the name is asked again after five seconds."""

    def script(query, tcp):
        if query.question[0].rdtype.name == "AAAA":
            return [server.reply(query, rcode=2).to_wire()]
        return [server.reply(query, f"{HOST}. 300 IN A 192.0.2.1").to_wire()]

    server.scripts[HOST] = script
    answer = ask(server)
    assert (answer.status, answer.addresses, answer.ttl_s) == ("ok", ("192.0.2.1",), 300)
    assert _asked_after(server, 5) == 2


@pytest.mark.parametrize("resolver", ["", "127.0.0.1", "localhost:53", "127.0.0.1:0", "127.0.0.1:x", "1.1.1.1:70000"])
def test_a_resolver_that_is_no_address_and_port_is_refused(resolver):
    """The configured resolver must be an address: its own name could not be resolved."""
    with pytest.raises(InputError, match="address:port"):
        Resolver(resolver, timeout_s=1, tries=1, in_flight=1)


@pytest.mark.parametrize("wrong", [{"timeout_s": 0}, {"tries": 0}, {"tries": 11}, {"in_flight": 0}])
def test_settings_that_cannot_work_are_refused(wrong):
    """No time, no tries or no look-ups at all is an input error."""
    with pytest.raises(InputError, match="operations"):
        Resolver("127.0.0.1:53", **{"timeout_s": 1, "tries": 1, "in_flight": 1, **wrong})


OK = Reply(status="ok", addresses=("192.0.2.1",), ttl_s=300)
NODATA = Reply(status="nodata", ttl_s=60)
NXDOMAIN = Reply(status="nxdomain", ttl_s=90)
SERVFAIL = Reply(status="servfail")
TIMEOUT = Reply(status="timeout")


@pytest.mark.parametrize(
    ("a", "aaaa", "status", "ttl_s", "hold_s"),
    [
        (OK, NODATA, "ok", 300, 60),
        (OK, NXDOMAIN, "ok", 300, 90),
        (OK, SERVFAIL, "ok", 300, 5),
        (NODATA, SERVFAIL, "servfail", None, 5),
        (NXDOMAIN, TIMEOUT, "timeout", None, 5),
        (SERVFAIL, TIMEOUT, "servfail", None, 5),
        (NXDOMAIN, NXDOMAIN, "nxdomain", 90, 90),
        (NXDOMAIN, NODATA, "nodata", 60, 60),
        (NODATA, Reply(status="nodata"), "nodata", None, 0),
        (Reply(status="bad_answer"), SERVFAIL, "bad_answer", None, 5),
        (Reply(status="nodata", ttl_s=10**6), Reply(status="nodata", ttl_s=10**6), "nodata", 10**6, 300),
    ],
)
def test_two_replies_make_one_answer(a, aaaa, status, ttl_s, hold_s):
    """Addresses win, failures beat denials, and nxdomain needs both halves."""
    for pair in ((a, aaaa), (aaaa, a)):
        answer, held = combine(*pair, "127.0.0.1:53")
        assert (answer.status, answer.ttl_s, held) == (status, ttl_s, hold_s)
