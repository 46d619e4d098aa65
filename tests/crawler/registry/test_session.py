"""Crawls of registries that real servers play on loopback."""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.crawler.registry.registries import NOON, addresses_in, clock, lab_folder, networks, resolved
from waterbed.attribution.lookups.rdap.answers import Registered
from waterbed.attribution.lookups.rdap.bootstrap import read_bootstrap
from waterbed.attribution.lookups.rdap.plan import Answered, Ask
from waterbed.crawler.registry.outcomes import Outcomes
from waterbed.crawler.registry.pace import Pace
from waterbed.crawler.registry.queue import Queue, RdapTask
from waterbed.crawler.registry.registration_facts import PendingFacts, answered
from waterbed.crawler.registry.registry_report import CrawlReport
from waterbed.crawler.registry.response import RdapResponse
from waterbed.crawler.registry.run import enrich
from waterbed.crawler.registry.session import RegistrySession
from waterbed.lab.servers.rdap import RdapServers, RegistryBehaviour
from waterbed.lab.servers.rdap_data import Registries, TrueAs, TrueNetwork
from waterbed.lab.servers.wire import server_context
from waterbed.model.bookkeeping import RunEnd, Sealed
from waterbed.model.errors import InputError
from waterbed.model.registrations import Registration
from waterbed.store.config import Config
from waterbed.store.folder import Folder, create_folder
from waterbed.store.machine_settings import Lab
from waterbed.store.settings import Registry
from waterbed.store.vault import Keys, Vault

FAULTS = {
    "limited_seconds": 0.02,
    "limited_date": 0.02,
    "limited": 0.01,
    "limited_html": 0.02,
    "error": 0.02,
    "error_html": 0.02,
    "garbage": 0.02,
    "truncated": 0.02,
    "html": 0.02,
    "odd_type": 0.05,
    "reset": 0.02,
    "slow": 0.01,
}
ONE = TrueNetwork(registry="ripe", prefix="80.1.2.0/24", handle="C1", holder="ORG-C1", abuse="abuse@c1.example")


def crawled(
    path: Path,
    known: Sequence[TrueNetwork],
    addresses: Sequence[str],
    behaviours: dict[str, RegistryBehaviour] | None = None,
    **settings: Any,
) -> tuple[CrawlReport, list[Registration], RdapServers]:
    """One crawl: its report, what was recorded, and the servers with their counts."""

    async def go() -> tuple[CrawlReport, list[Registration], RdapServers]:
        time = clock()
        async with RdapServers(Registries(known), time.now, behaviours) as servers:
            folder = lab_folder(path / "study", servers, addresses, **settings)
            report = await enrich(folder, clock=time, rng=random.Random(1))
            facts = folder.store.all(Registration, order=("asked", "level"))
            folder.close()
            return report, facts, servers

    return asyncio.run(go())


def test_every_network_ends_registered_or_with_a_dated_reason(tmp_path: Path) -> None:
    """Three hundred networks, limits, 429s of all kinds, HTML errors and broken answers: none is lost."""
    known = networks(300, rotten=0.02)
    behaviours = {
        "lacnic": RegistryBehaviour(a_minute=10, faults=FAULTS, slow_s=0.7),
        "ripe": RegistryBehaviour(a_minute=60, faults=FAULTS, slow_s=0.7),
        "arin": RegistryBehaviour(a_minute=30),
        "apnic": RegistryBehaviour(a_minute=30, faults=FAULTS, slow_s=0.7),
        "afrinic": RegistryBehaviour(a_minute=20),
    }
    limits = {"lacnic": 10.0, "ripe": 60.0, "arin": 30.0, "apnic": 30.0, "afrinic": 20.0}

    async def go() -> None:
        time = clock()
        async with RdapServers(Registries(known), time.now, behaviours) as servers:
            addresses = addresses_in(known)
            folder = lab_folder(tmp_path / "study", servers, addresses, a_minute=limits, retry_hours=24.0)
            report = await enrich(folder, clock=time, rng=random.Random(1))
            facts = folder.store.all(Registration)
            said = [fact for fact in facts if fact.level == 0]
            ok = {fact.handle for fact in said if fact.status == "ok"}
            not_ok = {fact.asked for fact in said if fact.status != "ok"}
            for number, one in enumerate(one for one in known if one.parent):
                pair = addresses[2 * number : 2 * number + 2]
                assert one.handle in ok or set(pair) <= not_ok
            assert all(fact.reason and fact.fetched_at >= NOON for fact in facts if fact.status != "ok")
            assert report.without == len(not_ok) < 40
            for name, limit in limits.items():
                assert servers.most_in_a_minute(name) <= limit
            assert report.requests == servers.requests
            again = await enrich(folder, clock=time)
            assert (again.requests, servers.requests) == (0, report.requests)
            folder.close()

    asyncio.run(go())


def test_one_answer_serves_for_every_address_in_its_range(tmp_path: Path) -> None:
    """Five addresses in one network cost one question."""
    report, facts, servers = crawled(tmp_path, [ONE], [f"80.1.2.{n}" for n in range(5)])
    assert servers.requests == 1
    assert (report.rows[0].ok, report.rows[0].covered) == (1, 4)
    assert [(fact.first, fact.last, fact.holder) for fact in facts] == [("80.1.2.0", "80.1.2.255", "ripe:ORG-C1")]


def test_the_networks_above_are_asked_for_once(tmp_path: Path) -> None:
    """Links up are followed; where there is none, a larger prefix finds the parent; a parent is asked for once."""
    parent = TrueNetwork(registry="ripe", prefix="80.1.0.0/16", handle="P", parent="T", holder="ORG-P")
    top = TrueNetwork(registry="ripe", prefix="80.0.0.0/12", handle="T", holder="ORG-T")
    known = [
        TrueNetwork(registry="ripe", prefix="80.1.2.0/24", handle="A", parent="P", up="missing"),
        TrueNetwork(registry="ripe", prefix="80.1.3.0/24", handle="B", parent="P"),
        parent,
        top,
    ]
    _, facts, servers = crawled(tmp_path, known, ["80.1.2.1", "80.1.3.1"])
    assert Counter((fact.level, fact.handle) for fact in facts) == {(0, "A"): 1, (0, "B"): 1, (1, "P"): 1, (2, "T"): 1}
    assert servers.requests == 4


def test_what_iana_gave_the_registry_is_nobodys_network(tmp_path: Path) -> None:
    """The walk up ends below the registry's own block."""
    known = [
        TrueNetwork(registry="ripe", prefix="80.1.2.0/24", handle="A", parent="BLOCK"),
        TrueNetwork(registry="ripe", prefix="80.0.0.0/7", handle="BLOCK", holder="ORG-X"),
    ]
    _, facts, servers = crawled(tmp_path, known, ["80.1.2.1"])
    assert [fact.handle for fact in facts] == ["A"]
    assert servers.requests == 2


def test_an_answer_for_all_addresses_covers_nothing(tmp_path: Path) -> None:
    """What encloses a whole block of IANA's is no registration, and serves for no other address."""
    known = [TrueNetwork(registry="ripe", prefix="0.0.0.0/0", handle="ALL", holder="ORG-X")]
    report, facts, servers = crawled(tmp_path, known, ["80.1.2.1", "80.9.2.1"])
    assert {(fact.status, fact.reason) for fact in facts} == {("not_found", "only the registry's own block")}
    assert (report.without, servers.requests) == (2, 2)


def test_links_up_in_a_circle_end(tmp_path: Path) -> None:
    """A network that names itself as the one above is asked once and kept."""
    known = [TrueNetwork(registry="ripe", prefix="80.1.2.0/24", handle="A", parent="A", up="self")]
    _, facts, servers = crawled(tmp_path, known, ["80.1.2.1"])
    assert [(fact.level, fact.status) for fact in facts] == [(0, "ok")]
    assert servers.requests == 1


def test_another_registry_may_know(tmp_path: Path) -> None:
    """A redirect to a known registry is followed, and that one is named; a circle of redirects ends."""
    here = TrueNetwork(registry="ripe", prefix="80.5.0.0/24", handle="R")
    there = TrueNetwork(registry="lacnic", prefix="80.1.2.0/24", handle="L", holder="ORG-L")
    circle = TrueNetwork(registry="ripe", prefix="80.6.0.0/24", handle="O", rotten="loop")
    _, facts, _ = crawled(tmp_path, [here, there, circle], ["80.1.2.1", "80.6.0.1"])
    assert [(fact.registry, fact.holder, fact.reason) for fact in facts] == [
        ("lacnic", "lacnic:ORG-L", None),
        ("ripe", None, "redirects without end"),
    ]


def test_nobody_in_charge_and_nothing_known_are_reasons(tmp_path: Path) -> None:
    """An address of no registry is not asked for; a 404 is an answer."""
    report, facts, _ = crawled(tmp_path, [ONE], ["80.9.9.9", "64.1.1.1"])
    assert [(fact.asked, fact.status, fact.reason) for fact in facts] == [
        ("64.1.1.1", "no_registry", "no base URL of arin"),
        ("80.9.9.9", "not_found", "HTTP 404"),
    ]
    assert report.without == 2


def test_an_address_of_our_own_is_never_asked_for(tmp_path: Path) -> None:
    """Private addresses stay here."""
    report, facts, servers = crawled(tmp_path, [ONE], ["10.0.0.1", "192.0.2.7", "fd00::1"])
    assert (report.rows, facts, servers.requests) == ((), [], 0)


def test_a_mailbox_is_sealed_and_a_person_is_not_named(tmp_path: Path) -> None:
    """The abuse mailbox lies in the vault under its id; a natural person's name is nowhere."""
    person = TrueNetwork(
        registry="ripe",
        prefix="80.1.2.0/24",
        handle="C1",
        holder="JD1-RIPE",
        holder_name="Jo Doe",
        holder_kind="individual",
        abuse="abuse@c1.example",
        abuse_depth=3,
    )

    async def go() -> None:
        time = clock()
        async with RdapServers(Registries([person]), time.now) as servers:
            folder = lab_folder(tmp_path / "study", servers, ["80.1.2.1"])
            await enrich(folder, clock=time)
            (fact,), (sealed,) = folder.store.all(Registration), folder.store.all(Sealed)
            assert (fact.holder, fact.holder_name) == ("ripe:JD1-RIPE", None)
            assert (sealed.kind, sealed.entry_id) == ("mailbox", fact.abuse_id)
            assert folder.vault.open(sealed) == "abuse@c1.example"
            folder.close()
        raw = b"".join(path.read_bytes() for path in (tmp_path / "study").glob("waterbed.db*"))
        assert b"c1.example" not in raw
        assert b"Jo Doe" not in raw

    asyncio.run(go())


def test_an_unchanged_answer_is_renewed(tmp_path: Path) -> None:
    """After its time an answer is asked for with its ETag; 304 gives a new fact with the same content."""

    async def go() -> None:
        time = clock()
        async with RdapServers(Registries([ONE]), time.now) as servers:
            folder = lab_folder(tmp_path / "study", servers, ["80.1.2.1", "80.1.2.2"])
            await enrich(folder, clock=time)
            await time.sleep_until(NOON + timedelta(days=31))
            report = await enrich(folder, clock=time)
            first, second = folder.store.all(Registration, order=("fetched_at",))
            assert (report.requests, servers.unchanged) == (1, 1)
            assert second.fetched_at - first.fetched_at >= timedelta(days=30)
            assert (first.handle, first.holder, first.abuse_id) == (second.handle, second.holder, second.abuse_id)
            folder.close()

    asyncio.run(go())


def test_a_registry_that_is_out_of_order_is_left_alone(tmp_path: Path) -> None:
    """After several networks in a row the rest ends with the reason, and is not asked for."""
    known = [one for one in networks(200) if one.registry == "ripe"]
    report, facts, servers = crawled(
        tmp_path, known, addresses_in(known, 1), {"ripe": RegistryBehaviour(faults={"error": 1.0})}
    )
    assert report.without == 40
    assert {fact.status for fact in facts} == {"server_error"}
    assert servers.requests < 40


def test_a_wait_of_hours_ends_the_crawl_of_that_registry(tmp_path: Path) -> None:
    """Retry-After beyond all patience is obeyed: every network ends as limited, after one question."""
    known = [one for one in networks(100) if one.registry == "ripe"]

    class Patient(RdapServers):
        def _limited(self, how: str, now: Any) -> Any:
            answer = super()._limited("limited_seconds", now)
            return type(answer)(status=429, headers=("Retry-After: 90000",))

    async def go() -> None:
        time = clock()
        async with Patient(
            Registries(known), time.now, {"ripe": RegistryBehaviour(faults={"limited": 1.0})}
        ) as servers:
            folder = lab_folder(tmp_path / "study", servers, addresses_in(known, 1))
            await enrich(folder, clock=time)
            assert {fact.status for fact in folder.store.all(Registration)} == {"limited"}
            assert servers.requests == 1
            folder.close()

    asyncio.run(go())


def test_a_pace_outlives_the_crawl(tmp_path: Path) -> None:
    """Two crawls within a minute together ask no more than one may."""
    known = [one for one in networks(200) if one.registry == "ripe"]

    async def go() -> None:
        time = clock()
        async with RdapServers(Registries(known), time.now, {"ripe": RegistryBehaviour(a_minute=10)}) as servers:
            folder = lab_folder(tmp_path / "study", servers, addresses_in(known, 1), a_minute={"ripe": 10.0})
            for limit in (7, 7, None):
                await enrich(folder, clock=time, limit=limit)
            assert servers.most_in_a_minute("ripe") <= 10
            assert {fact.status for fact in folder.store.all(Registration)} == {"ok"}
            folder.close()

    asyncio.run(go())


def test_a_crawl_that_was_ended_goes_on(tmp_path: Path) -> None:
    """A signal ends it in order, in the midst of waiting; what was answered is not asked again."""
    known = [one for one in networks(200) if one.registry == "ripe"]

    async def go() -> None:
        time = clock()
        async with RdapServers(Registries(known), time.now) as servers:
            folder = lab_folder(tmp_path / "study", servers, addresses_in(known, 1), a_minute={"ripe": 5.0})
            session = RegistrySession(folder, clock=time, progress=lambda done, _: done < 9 or session.stop())
            await _crawl(session)
            assert session.report().stopped
            asked = servers.requests
            assert 9 <= asked < 40
            await enrich(folder, clock=time)
            assert (
                Counter(fact.asked for fact in folder.store.all(Registration) if not fact.level).most_common(1)[0][1]
                == 1
            )
            assert Counter(end.outcome for end in folder.store.all(RunEnd)) == {"stopped": 1, "finished": 1}
            folder.close()

    asyncio.run(go())


async def _crawl(session: RegistrySession) -> None:
    from scrapy.crawler import AsyncCrawlerRunner
    from scrapy.settings import Settings

    from waterbed.crawler.spiders.registry import RegistrySpider

    settings = Settings()
    settings.setmodule("waterbed.crawler.settings")
    await AsyncCrawlerRunner(settings).create_crawler(RegistrySpider).crawl_async(session=session)


def test_two_crawls_at_a_time_are_refused(tmp_path: Path) -> None:
    """They would double the pace."""

    async def go() -> None:
        time = clock()
        async with RdapServers(Registries([ONE]), time.now) as servers:
            folder = lab_folder(tmp_path / "study", servers, ["80.1.2.1"])
            first = RegistrySession(folder, clock=time)
            await first.open()
            with pytest.raises(InputError, match="another run"):
                await RegistrySession(folder, clock=time).open()
            await first.close()
            folder.close()

    asyncio.run(go())


def _folder(path: Path, lab: bool, **settings: Any) -> Folder:
    there = Lab(resolver="127.0.0.1:9", clock=NOON, connect_to=()) if lab else None
    return create_folder(path / "study", Config(study="0" * 16, registry=Registry(**settings)), there)


@pytest.mark.parametrize(
    ("lab", "settings"),
    [
        (True, {"bases": {"ripe": "https://rdap.db.ripe.net/"}}),
        (False, {"bases": {"ripe": "http://rdap.db.ripe.net/"}}),
        (False, {"bases": {"ripe": "ftp://127.0.0.1/"}}),
        (False, {"bases": {"ripe": "http://[/"}}),
        (False, {"a_minute": {"ripe": 700.0}}),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, lab: bool, settings: dict[str, Any]) -> None:
    """One sentence, before anything is asked; a lab study asks loopback alone."""
    folder = _folder(tmp_path, lab, **settings)
    with pytest.raises(InputError, match="docs/"):
        RegistrySession(folder)
    folder.close()


def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    """Over https a registry must be who it is; what it would say is not heard."""

    async def go() -> None:
        heard: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read(100))
            writer.close()

        context: ssl.SSLContext = server_context()
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        folder = _folder(tmp_path, True, bases={"ripe": base}, timeout_s=2.0, tries=2)
        folder.store.add(resolved(["80.1.2.1"]))
        await enrich(folder, clock=clock())
        (fact,) = folder.store.all(Registration)
        assert (fact.status, fact.reason) == ("unreachable", "its certificate is not trusted")
        assert heard == []
        folder.close()
        server.close()

    asyncio.run(go())


def test_origin_ases_are_asked_for(tmp_path: Path) -> None:
    """An AS has a registration of its own, from the registry in charge of its number."""
    from waterbed.crawler.registry import session as registry_session

    ases = [TrueAs(registry="ripe", asn=3333, handle="AS3333", holder="ORG-R")]

    async def go() -> list[Registration]:
        time = clock()
        async with RdapServers(Registries([ONE], ases), time.now) as servers:
            folder = lab_folder(tmp_path / "study", servers, ["80.1.2.1"])
            table = tmp_path / "routes.csv"
            table.write_text('80.1.2.0,80.1.2.255,3333,"Lab Transit"\n')
            from waterbed.study.study import Study

            Study(folder).add_table(table, NOON.date())
            assert registry_session.newest_origins(folder, ["80.1.2.1"]) == {3333}
            await enrich(folder, clock=time)
            found = folder.store.all(Registration, order=("asked",))
            folder.close()
            return found

    _, fact = asyncio.run(go())
    assert (fact.asked, fact.kind, fact.first, fact.holder) == ("AS3333", "as", "3333", "ripe:ORG-R")


def test_a_crawl_that_lost_its_lease_asks_no_more(tmp_path: Path) -> None:
    """Another run may be asking at the same pace by then; what was answered is recorded, and our failure is counted."""
    known = [one for one in networks(200) if one.registry == "ripe"]

    async def go() -> None:
        time = clock()
        async with RdapServers(Registries(known), time.now) as servers:
            folder = lab_folder(tmp_path / "study", servers, addresses_in(known, 1), a_minute={"ripe": 5.0})
            asked: list[int] = []

            def lose(done: int, _: int) -> None:
                if done == 3:
                    session.run.holds = lambda: False
                    asked.append(servers.requests)

            session = RegistrySession(folder, clock=time, progress=lose)
            await _crawl(session)
            assert [servers.requests] == asked
            assert (session.failures, session.report().stopped) == (1, True)
            assert len(folder.store.all(Registration)) >= 3
            folder.close()

    asyncio.run(go())


@pytest.mark.parametrize("ends", ["stopped", "answered"])
def test_whois_is_not_asked_for_what_changed_while_it_waited(ends: str) -> None:
    """A crawl that is stopped while WHOIS waits its turn sends nothing more; what another answers meanwhile is done."""
    answers = Answered([], now=NOON, fresh=timedelta(days=1), retry=timedelta(hours=1))
    queue, pending, waited = Queue(name="ripe", pace=Pace(1, full_at=NOON)), PendingFacts(Vault(Keys.new())), []
    task = RdapTask(
        ask=Ask(asked="80.1.2.1", kind="network"), level=0, registry="ripe", url="https://rdap.example/ip/80.1.2.1"
    )

    async def wait(when: datetime) -> None:
        waited.append(when)
        if ends == "answered":
            there = dict.fromkeys(field.name for field in fields(Registered))
            found = Registered(**{**there, "first": "80.1.2.0", "last": "80.1.2.255"})  # type: ignore[arg-type]  # no more is known
            answers.add(answered(task.ask, 0, "arin", found, None, NOON))

    outcomes = Outcomes(
        settings=Registry(tries=1),
        bootstrap=read_bootstrap({}),
        answered=answers,
        queue_of=lambda _: queue,
        pending=pending,
        clock=clock(),
        rng=random.Random(1),
        done=lambda: None,
        wait_until=wait,
        may_send=lambda: False,
        whois=True,
    )
    asyncio.run(outcomes.handle(queue, task, RdapResponse(failure="timeout")))
    assert waited > [NOON]
    assert queue.requests == 0
    left = [fact.status for fact in pending.take() if isinstance(fact, Registration)]
    assert (left, queue.covered) == ((["timeout"], 0) if ends == "stopped" else ([], 1))
