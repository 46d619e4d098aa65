"""Whom notices reached."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.measures.episodes import hours
from tests.study.facts import report
from waterbed.attribution.addressees import ReportedOrigins, SeenAnswer, addressed
from waterbed.model.conclusions import Attribution
from waterbed.model.facts import Notice
from waterbed.model.notices import latest_notices

COMPANIES = {"AS64501": "acme", "ripe:ORG-ACME": "acme"}


def fact(at=5.0, recipient="acme", **other):
    """A notice that was sent and delivered so many hours after the start."""
    values = {
        "notice_id": f"n{at}",
        "url_id": "u1",
        "kind": "ntd",
        "sender": "hotline",
        "recipient": recipient,
        "batch": None,
        "channel": None,
        "reminder": False,
        "sent_at": hours(at),
        "delivered_at": hours(at),
        "bounced": False,
        "acknowledged_at": None,
        "response": None,
        "held_for_police": False,
        "received_at": hours(100),
    }
    return Notice(**(values | other))


def seen(at, *hosters, down=False, proxy=False, **other):
    """One attributed look so many hours after the start."""
    attribution = Attribution(
        addresses=("28.0.0.1",),
        suffix_id=None,
        day=hours(at),
        origins=(64500,),
        organisations=(),
        countries=(),
        hosters=hosters,
        proxy=proxy,
        rule="r",
        routes_date=None,
        stale=False,
        **other,
    )
    return SeenAnswer(hours(at), attribution, down)


def reached(looks, *notices):
    found = addressed(notices, {"u1": looks}, {"u1": "s1"}, lambda key, _: COMPANIES.get(key, key))
    return [(one.recipient, one.addressed, one.role) for one in found]


ROLES = {
    "operators": ("reseller",),
    "upstreams": ("transit",),
    "as_holders": ("holder",),
    "proxies": ("veil",),
    "platform": "pages",
}


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("acme", ("acme", "direct", "hoster")),
        ("AS64501", ("acme", "direct", "hoster")),
        ("ripe:ORG-ACME", ("acme", "direct", "hoster")),
        ("reseller", ("reseller", "indirect", "operator")),
        ("transit", ("transit", "indirect", "upstream")),
        ("holder", ("holder", "indirect", "as_holder")),
        ("AS64500", ("AS64500", "indirect", "as_holder")),
        ("veil", ("veil", "indirect", "proxy")),
        ("pages", ("pages", "indirect", "platform")),
        ("stranger", ("stranger", "misaddressed", None)),
    ],
)
def test_the_recipient_has_a_part(recipient, expected):
    """The hoster by any of its names is direct, who stands around it indirect, anybody else misaddressed."""
    assert reached([seen(4, "acme", **ROLES)], fact(recipient=recipient)) == [expected]


def test_a_notice_to_the_registrar_is_addressed():
    """Who sponsors the name can act on it, whoever hosts, even where no look tells who did; no other registrar can."""

    def told(looks, recipient):
        registrar = {("s1", hours(5)): "iana:146"}
        found = addressed(
            [fact(recipient=recipient)], {"u1": looks}, {"u1": "s1"}, lambda key, _: key, lambda *of: registrar.get(of)
        )
        return [(one.addressed, one.role) for one in found]

    for looks in ([seen(4, "acme")], []):
        assert told(looks, "iana:146") == [("indirect", "registrar")]
    assert told([seen(4, "acme")], "iana:147") == [("misaddressed", None)]
    assert told([seen(4, "acme")], "acme") == [("direct", "hoster")]


def test_a_proxy_alone_is_reached_indirectly():
    """It answers for the addresses, but cannot remove what lies behind it."""
    look = seen(4, "veil", proxy=True, proxies=("veil",))
    assert reached([look], fact(recipient="veil")) == [("veil", "indirect", "proxy")]


def test_the_look_nearest_in_time_decides():
    """After a hop the old hoster is no longer the right one; before it, the new one is not yet."""
    looks = [seen(1, "acme"), seen(6, "acme"), seen(9, "other")]
    assert [how for _, how, _ in reached(looks, fact(7), fact(8.6))] == ["direct", "misaddressed"]
    assert [how for _, how, _ in reached(looks, fact(7, "other"), fact(8.6, "other"))] == ["misaddressed", "direct"]


def test_what_answers_after_a_removal_is_no_hoster():
    """A look that saw the URL down does not say whose it was, unless there is no other."""
    looks = [seen(1, "acme"), seen(9, "parking", down=True)]
    assert reached(looks, fact(8)) == [("acme", "direct", "hoster")]
    assert reached(looks[1:], fact(8)) == [("acme", "misaddressed", None)]


def test_without_a_look_nobody_can_tell():
    """A URL that never had an address has no hoster to be told."""
    (one,) = addressed([fact()], {}, {"u1": "s1"}, lambda key, _: key)
    assert (one.addressed, one.hosters, one.look_h) == ("unattributed", (), None)


def test_a_stored_origin_with_a_scope_is_passed_over():
    """An older version stored them; the reported address before it holds."""
    plain, scoped = report("u1", origin_address="28.0.0.1"), report("u2", origin_address="fe80::1%eth0")
    origins = ReportedOrigins([plain, scoped, report("u1", origin_address="2a00:1450::1%victim.example.com")])
    assert [origins.behind(url_id, hours(100)) for url_id in ("u1", "u2")] == ["28.0.0.1", None]


def test_the_latest_word_on_a_notice_holds():
    """That it arrived and was answered is added later; what a later line leaves empty stays as it was."""
    first = fact(delivered_at=None, notice_id="a", batch="7")
    then = fact(notice_id="b", received_at=hours(101), acknowledged_at=hours(9))
    (one,) = latest_notices([then, first])
    assert (one.notice_id, one.batch, one.delivered_at, one.acknowledged_at) == ("b", "7", hours(5), hours(9))
    (back,) = latest_notices(
        [first, then, fact(notice_id="c", received_at=hours(102), bounced=True, delivered_at=None)]
    )
    assert (back.bounced, back.delivered_at, back.acknowledged_at) == (True, None, None)
    assert len(latest_notices([first, replace(first, reminder=True), replace(first, kind="dsa")])) == 3


@given(st.permutations(range(5)))
def test_words_in_any_order_are_the_same_notices(order):
    """The order in which facts are read does not matter."""
    words = [
        fact(notice_id=f"{n}", received_at=hours(100 + n // 2), delivered_at=None if n % 2 else hours(5 + n))
        for n in range(5)
    ]
    assert latest_notices([words[n] for n in order]) == latest_notices(words)
