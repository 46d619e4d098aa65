"""Redirects from a name to its `www.` and back: whose addresses a check keeps, from each vantage."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.crawler.net.hostile import Answer as Response
from tests.crawler.net.hostile import talking
from tests.crawler.probe.test_prober import ELSEWHERE, HERE, NOW, due, head
from waterbed.attribution.lookups.dns.resolver import Answer, Resolver
from waterbed.crawler.net.vantage import Vantage
from waterbed.crawler.probe.prober import HostFacts, HostTask, Prober
from waterbed.model.facts import NameStatus, Observation, Resolution
from waterbed.model.urls import canonicalize
from waterbed.store.config import Config
from waterbed.store.settings import Probe
from waterbed.store.vault import Keys, Vault

VAULT = Vault(Keys.new())
NAMES = ("shop.org", "www.shop.org")
PLACES = ("28.10.0.33", "28.20.0.34")


class Names(Resolver):
    """Two names, each at an address of its own, or nowhere."""

    def __init__(self, known: dict[str, str]) -> None:
        super().__init__("127.0.0.1:1", timeout_s=0.1, tries=1, in_flight=1)
        self.known = known

    async def resolve(self, host: str) -> Answer:
        """Its address."""
        found = (self.known[host],) if host in self.known else ()
        status: NameStatus = "ok" if found else "nxdomain"
        return Answer(status=status, addresses=found, cnames=(), ttl_s=60, ede=(), resolver=self.resolver)

    async def name_servers(self, domain: str) -> tuple[str, ...] | None:
        """Those of the domain that both names are in."""
        return (f"ns.{domain}",)


def looked(
    first: str, responses: Sequence[Response], names: dict[str, str], vantages: Sequence[Vantage] = (HERE,)
) -> HostFacts:
    """The facts of a check of a name's page; each place responds in its own way."""

    async def run() -> HostFacts:
        async with talking(responses[0]) as one, talking(responses[1]) as other:
            ports = dict(zip(PLACES, (one, other), strict=True))
            prober = Prober(
                config=Config(study="s" * 32, probe=Probe(delay_s=0.0, network_delay_s=0.0, profiles={})),
                vault=VAULT,
                resolver=Names(names),
                connector=lambda address, _: ("127.0.0.1", ports[address]),
                clock=lambda: NOW,
                run_id="r",
                vantages=vantages,
            )
            items = ((due("phishing"), canonicalize(f"http://{first}/a")),) * 2
            return await prober.check(HostTask(host_id="h", items=items, controls=(), name_servers=None))

    return asyncio.run(run())


def to(host: str) -> Response:
    return lambda *_: head("301 Moved", f"Location: http://{host}/a")


def used(facts: HostFacts) -> list[tuple[Observation, Resolution]]:
    answers = {one.resolution_id: one for one in facts.facts if isinstance(one, Resolution)}
    return [(look, answers[look.resolution_id or ""]) for one in facts.answered for look in one.observations]


@pytest.mark.parametrize("way", [1, -1])
def test_a_check_keeps_the_addresses_of_the_name_that_it_ends_at(way: int) -> None:
    """A forwarding service at one name is no hoster of what the other holds, to `www.` and from it, from anywhere."""
    (first, last), (forwards, holds) = NAMES[::way], PLACES
    responses = [to(last), lambda method, target, source: head("404 Not Found" if source == "127.0.0.1" else "200 OK")]
    facts = looked(first, responses, {first: forwards, last: holds}, (HERE, ELSEWHERE))
    assert [look.vantage for look, _ in used(facts)] == ["here", "elsewhere"] * 2
    for look, answer in used(facts):
        assert (look.address, answer.addresses) == (holds, (holds,))
        assert answer.host_id == VAULT.keyed_id("host", last)
        assert answer.name_server_ids == (VAULT.keyed_id("host", "ns.shop.org"),)
    kept = [fact for fact in facts.facts if isinstance(fact, Resolution)]
    assert [(one.host_id, one.addresses) for one in kept] == [("h", (forwards,)), (kept[1].host_id, (holds,))]


def test_each_vantage_keeps_the_addresses_of_its_own_way() -> None:
    """Where one is redirected and the other is not, each check has the addresses that it was answered from."""

    def apex(method: str, target: str, source: str) -> bytes:
        return head("404 Not Found") if source == "127.0.0.1" else to("www.shop.org")(method, target, source)

    facts = looked(
        "shop.org", [apex, lambda *_: head("200 OK")], dict(zip(NAMES, PLACES, strict=True)), (HERE, ELSEWHERE)
    )
    found = {look.vantage: answer.addresses for look, answer in used(facts)}
    assert found == {"here": PLACES[:1], "elsewhere": PLACES[1:]}


def test_a_name_without_an_address_at_the_end_has_none() -> None:
    """A redirect to a name that does not exist says nothing of the forwarding service's addresses."""
    facts = looked("shop.org", [to("www.shop.org")] * 2, {"shop.org": PLACES[0]})
    for look, answer in used(facts):
        assert (look.phase, look.failure, answer.addresses, answer.status) == ("guard", "no_address", (), "nxdomain")


def test_a_redirect_within_the_name_resolves_nothing_more() -> None:
    """A trailing slash or another scheme keeps the answer of the URL's own host."""

    def slash(method: str, target: str, source: str) -> bytes:
        return head("200 OK") if target == "/a/" else head("301 Moved", "Location: /a/")

    facts = looked("shop.org", [slash] * 2, {"shop.org": PLACES[0]})
    assert [fact.host_id for fact in facts.facts if isinstance(fact, Resolution)] == ["h"]
