"""DNS messages: hand-made queries and the quick reader agree with dnspython."""

import dns.message
import dns.rcode
import dns.rrset
from hypothesis import example, given
from hypothesis import strategies as st

from attribution.lookups.messages import AAAA, A, answers, query, read_any, read_plain, read_reply, wire_name

labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
hosts = st.lists(labels, min_size=1, max_size=5).map(".".join)
ttls = st.integers(0, (1 << 31) - 1)
v4 = st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=5, unique=True)
v6 = st.lists(st.ip_addresses(v=6).map(str), min_size=1, max_size=5, unique=True)


@st.composite
def responses(draw: st.DrawFn) -> tuple[dns.message.Message, bytes]:
    """A response of the plain kind, as dnspython writes it, and its question."""
    host = draw(hosts)
    kind, values = draw(st.sampled_from([("A", v4), ("AAAA", v6)]))
    asked = dns.message.make_query(host, kind, use_edns=draw(st.sampled_from([0, False])), id=7)
    response = dns.message.make_response(asked)
    what = draw(st.sampled_from(["addresses", "nodata", "nxdomain"]))
    if what == "addresses":
        response.answer = [dns.rrset.from_text(host + ".", draw(ttls), "IN", kind, *draw(values))]
    elif draw(st.booleans()):
        apex = host.split(".", draw(st.integers(0, host.count("."))))[-1]
        owner = draw(st.sampled_from([host, apex, "", "elsewhere.test"]))
        server = draw(st.sampled_from([f"{draw(labels)}.{apex}", f"{draw(labels)}.{draw(labels)}"]))
        mailbox = draw(st.sampled_from([server, server.partition(".")[2], draw(labels)]))
        soa = f"{server}. {draw(labels)}.{mailbox}. 1 2 3 4 {draw(ttls)}"
        response.authority = [dns.rrset.from_text(owner + ".", draw(ttls), "IN", "SOA", soa)]
    if what == "nxdomain":
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response, wire_name(host) + (A if kind == "A" else AAAA)


def _essence(reply):
    return reply.status, set(reply.addresses), reply.cnames, reply.ttl_s, reply.ede


@given(hosts, st.integers(0, 65_535), st.sampled_from(["A", "AAAA"]))
def test_queries_are_spelled_as_dnspython_spells_them(host, number, kind):
    """The hand-made query equals dnspython's byte for byte."""
    theirs = dns.message.make_query(host, kind, use_edns=0, payload=1232, id=number).to_wire()
    assert query(number, wire_name(host) + (A if kind == "A" else AAAA)) == theirs


@given(responses())
def test_plain_answers_are_read_as_dnspython_reads_them(given_):
    """Whatever the quick reader takes, dnspython's parser gives the same."""
    data, question = given_[0].to_wire(), given_[1]
    assert answers(data, question)
    quick = read_plain(data, question)
    assert quick is None or _essence(quick) == _essence(read_any(data))


@given(responses())
def test_addresses_take_the_quick_way(given_):
    """Answers with addresses of the very name need no second parser."""
    data, question = given_[0].to_wire(), given_[1]
    if int.from_bytes(data[6:8], "big"):
        assert read_plain(data, question) is not None


@given(responses(), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=4), st.integers(0, 40))
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
        assert quick is None or _essence(quick) == _essence(read_any(spoilt))
        read_reply(spoilt, question)


@given(st.binary(max_size=200))
@example(b"")
@example(bytes(12))
def test_noise_answers_nothing(data):
    """Random bytes are no answer to a question of ours, and dnspython's reader does not raise on them."""
    assert not answers(data, wire_name("www.example.test") + A)
    read_any(data)
