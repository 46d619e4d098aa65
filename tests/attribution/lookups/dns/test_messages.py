"""DNS messages: hand-made queries and the quick reader agree with dnspython."""

from itertools import pairwise

import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz.dns_replies import check, essence
from waterbed.attribution.lookups.dns.messages import AAAA, NS, A, answers, query, read_plain, wire_name
from waterbed.attribution.lookups.dns.parsed import read_any

KINDS = {"A": A, "AAAA": AAAA, "NS": NS}
labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
hosts = st.lists(labels, min_size=1, max_size=5).map(".".join)
ttls = st.integers(0, (1 << 31) - 1)
v4 = st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=5, unique=True)
servers = st.lists(hosts.map("{}.".format), min_size=1, max_size=5, unique=True)
v6 = st.lists(st.ip_addresses(v=6).map(str), min_size=1, max_size=5, unique=True)


@st.composite
def responses(draw: st.DrawFn) -> tuple[dns.message.Message, bytes]:
    """A response of the plain kind, as dnspython writes it, and its question."""
    host = draw(hosts)
    kind, values = draw(st.sampled_from([("A", v4), ("AAAA", v6), ("NS", servers)]))
    asked = dns.message.make_query(host, kind, use_edns=draw(st.sampled_from([0, False])), id=7)
    response = dns.message.make_response(asked)
    links = draw(st.lists(hosts, max_size=4)) if kind != "NS" else []
    names = [host, *(f"{link}.{host}" if draw(st.booleans()) else link for link in links)]
    response.answer = [dns.rrset.from_text(f"{a}.", draw(ttls), "IN", "CNAME", f"{b}.") for a, b in pairwise(names)]
    host = names[-1]
    what = draw(st.sampled_from(["records", "nodata", "nxdomain"]))
    if what == "records":
        response.answer.append(dns.rrset.from_text(host + ".", draw(ttls), "IN", kind, *draw(values)))
    elif draw(st.booleans()):
        apex = host.split(".", draw(st.integers(0, host.count("."))))[-1]
        owner = draw(st.sampled_from([host, apex, "", "elsewhere.test"]))
        server = draw(st.sampled_from([f"{draw(labels)}.{apex}", f"{draw(labels)}.{draw(labels)}"]))
        mailbox = draw(st.sampled_from([server, server.partition(".")[2], draw(labels)]))
        soa = f"{server}. {draw(labels)}.{mailbox}. 1 2 3 4 {draw(ttls)}"
        response.authority = [dns.rrset.from_text(owner + ".", draw(ttls), "IN", "SOA", soa)]
    if what == "nxdomain":
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response, wire_name(names[0]) + KINDS[kind]


@given(hosts, st.integers(0, 65_535), st.sampled_from(sorted(KINDS)))
def test_queries_are_spelled_as_dnspython_spells_them(host, number, kind):
    """The hand-made query equals dnspython's byte for byte."""
    theirs = dns.message.make_query(host, kind, use_edns=0, payload=1232, id=number).to_wire()
    assert query(number, wire_name(host) + KINDS[kind]) == theirs


@given(responses())
def test_plain_answers_are_read_as_dnspython_reads_them(given_):
    """Whatever the quick reader takes, dnspython's parser gives the same."""
    data, question = given_[0].to_wire(), given_[1]
    assert answers(data, question)
    quick = read_plain(data, question)
    assert quick is None or essence(quick) == essence(read_any(data))


@given(responses())
def test_addresses_take_the_quick_way(given_):
    """Answers with addresses of the very name, or behind aliases that lead there, need no second parser."""
    data, question = given_[0].to_wire(), given_[1]
    owners = [rrset.name for rrset in given_[0].answer]
    if read_any(data).status == "ok" and len({*owners}) == len(owners):
        assert read_plain(data, question) is not None


@given(hosts, st.data(), st.sampled_from([0, 3]))
def test_denials_take_the_quick_way_wherever_their_soa_stands(host, data, rcode):
    """An SOA record at the name, at any parent or at the root needs no second parser, compressed or spelled out."""
    above = [".".join(host.split(".")[n:]) + "." for n in range(host.count(".") + 2)]
    owner = data.draw(st.sampled_from([name.lstrip(".") or "." for name in above]))
    asked = dns.message.make_query(host, "A", use_edns=0, id=7)
    response = dns.message.make_response(asked)
    response.set_rcode(rcode)
    soa = "a.servers.invalid. hostmaster.else.invalid. 1 2 3 4 60"
    response.authority = [dns.rrset.from_text(owner, 300, "IN", "SOA", soa)]
    question = wire_name(host) + A
    compressed = response.to_wire()
    spelled = response.authority[0].name.to_wire().upper()
    rest = response.authority[0][0].to_wire()
    record = spelled + bytes.fromhex("000600010000012c") + len(rest).to_bytes(2, "big") + rest
    plain = compressed[: 12 + len(question)] + record + compressed[-11:]
    for message in (compressed, plain):
        quick = read_plain(message, question)
        assert quick is not None
        assert (quick.status, quick.ttl_s) == ("nxdomain" if rcode else "nodata", 60)
        assert essence(quick) == essence(read_any(message))


values = st.one_of(st.integers(0, 255), st.just(0xC0), st.integers(0, 90))  # lengths and pointers more often


@given(responses(), st.lists(st.tuples(st.integers(0, 600), values), max_size=4), st.integers(0, 40))
def test_spoilt_answers_are_read_alike_or_left_to_dnspython(given_, changes, cut):
    """Changed and cut bytes never make the two readers differ, and never raise."""
    data, question = given_[0].to_wire(), given_[1]
    spoilt = bytearray(data[: len(data) - cut] if cut < 11 else data)
    for place, value in changes:
        start = 12 + len(question)  # mostly beyond the question, which must stay ours
        start = 2 if place % 4 == 0 or start >= len(spoilt) else start
        spoilt[start + place % (len(spoilt) - start)] = value
    spoilt = bytes(spoilt)
    if answers(spoilt, question):
        quick = read_plain(spoilt, question)
        assert quick is None or essence(quick) == essence(read_any(spoilt))
    check(spoilt)


def test_a_pointer_into_a_length_that_runs_past_it_is_not_plain():
    """A name whose borrowed labels reach beyond its own end is left to dnspython, which refuses it."""
    asked = dns.message.make_query("www.shop.test", "AAAA", use_edns=0, id=7)
    response = dns.message.make_response(asked)
    response.answer = [
        dns.rrset.from_text("www.shop.test.", 300, "IN", "CNAME", "edge.cdn.test."),
        dns.rrset.from_text("edge.cdn.test.", 200, "IN", "CNAME", "b.far.shop.test."),
    ]
    soa = "ns.shop.test. me.ns.shop.test. 1 2 3 4 50"
    response.authority = [dns.rrset.from_text("shop.test.", 60, "IN", "SOA", soa)]
    data, question = response.to_wire(), wire_name("www.shop.test") + AAAA
    quick = read_plain(data, question)
    assert quick is not None
    assert (quick.cnames, quick.ttl_s) == (("edge.cdn.test", "b.far.shop.test"), 50)
    place = data.index(b"\x02me\xc0") + 4
    spoilt = data[:place] + bytes([data.index(b"\x01b\x03far") - 11]) + data[place + 1 :]
    assert read_any(spoilt).status == "bad_answer"
    assert read_plain(spoilt, question) is None


SOA = "ns.shop.test. me.shop.test. 1 2 3 4 {}"


@pytest.mark.parametrize(
    ("authority", "holds"),
    [
        ([("shop.test.", 60, "CH", "SOA", SOA.format(50))], None),
        ([("shop.test.", 60, "IN", "SOA", SOA.format(50)), ("test.", 60, "IN", "SOA", SOA.format(5))], 5),
        ([("test.", 60, "IN", "SOA", SOA.format(5)), ("shop.test.", 60, "IN", "SOA", SOA.format(50))], 5),
        ([("shop.test.", 60, "IN", "SOA", SOA.format(n)) for n in (50, 5)], 5),
        ([("else.test.", 60, "IN", "SOA", SOA.format(5)), ("shop.test.", 60, "IN", "SOA", SOA.format(50))], 50),
    ],
)
def test_a_denial_holds_as_long_as_every_soa_record_above_the_name_says(authority, holds):
    """Of several SOA records the smallest time counts; one of another class or another name's says nothing."""
    response = dns.message.make_response(dns.message.make_query("www.shop.test", "A", use_edns=0, id=7))
    response.authority = [dns.rrset.from_text(*each) for each in authority]
    reply = read_any(response.to_wire())
    assert (reply.status, reply.ttl_s) == ("nodata", holds)


owners = st.sampled_from(["www.shop.test.", "WWW.shop.test.", "shop.test.", "e.cdn.test.", "cdn.test.", "test.", "."])


@st.composite
def records(draw: st.DrawFn) -> dns.rrset.RRset:
    """A record of any kind at one of few names."""
    kind = draw(st.sampled_from(["A", "AAAA", "CNAME", "CNAME", "NS", "SOA", "SOA", "DNAME"]))
    value = {"A": f"192.0.2.{draw(st.integers(1, 3))}", "AAAA": f"2001:db8::{draw(st.integers(1, 3))}"}.get(kind)
    name = draw(owners)
    if kind == "SOA":
        value = f"{name} {name} 1 2 3 4 {draw(st.sampled_from([0, 50, 2**31]))}"
    of = "IN" if kind in ("A", "AAAA") else draw(st.sampled_from(["IN"] * 6 + ["CH"]))
    return dns.rrset.from_text(draw(owners), draw(st.sampled_from([0, 1, 50, 300])), of, kind, value or name)


@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(records(), max_size=4),
    st.lists(records(), max_size=3),
    st.sampled_from([0, 3]),
)
@settings(max_examples=100)
def test_records_in_any_order_are_read_as_dnspython_alone_reads_them(kind, answer, authority, rcode):
    """Whatever records stand in a reply: what we conclude from it is what dnspython concludes by itself."""
    response = dns.message.make_response(dns.message.make_query("www.shop.test", kind, use_edns=0, id=7))
    response.set_rcode(rcode)
    response.answer, response.authority = answer, authority
    check(response.to_wire())


@given(st.binary(max_size=200))
@example(b"")
@example(bytes(12))
def test_noise_answers_nothing(data):
    """Random bytes are no answer to a question of ours, and dnspython's reader does not raise on them."""
    assert not answers(data, wire_name("www.example.test") + A)
    read_any(data)
