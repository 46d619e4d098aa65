"""Questions about domains, to registries of names that real servers play on loopback."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.crawler.registry.registries import NOON, clock
from waterbed.crawler.registry.registry_report import CrawlReport
from waterbed.crawler.registry.run import enrich
from waterbed.governance.keys import forget
from waterbed.lab.servers.rdap import RdapServers, RegistryBehaviour
from waterbed.lab.servers.rdap_data import Registries
from waterbed.lab.servers.rdap_domains import TrueDomain
from waterbed.model.errors import InputError
from waterbed.model.facts import Resolution
from waterbed.model.registrations import DomainRegistration
from waterbed.store.config import Config, read_config
from waterbed.store.folder import Folder
from waterbed.store.machine_settings import Lab
from waterbed.store.settings import Domains, Registry
from waterbed.study.study import create_study

KNOWN = TrueDomain(
    name="harbourlamp.com",
    registrar=146,
    registrar_name="Example Registrar, LLC",
    created=datetime(2025, 3, 1, 10, tzinfo=NOON.tzinfo),
    expires=datetime(2026, 3, 1, 10, tzinfo=NOON.tzinfo),
    states=("client hold", "client transfer prohibited"),
    spelling="epp",
)


class Lookups:
    """A lab study with reported URLs, and the registries of names around it."""

    def __init__(self, folder: Folder, servers: RdapServers, time: Any) -> None:
        self.folder, self.servers, self.time = folder, servers, time

    async def ask(self, **how: Any) -> CrawlReport:
        """One crawl."""
        return await enrich(self.folder, clock=self.time, rng=random.Random(1), **how)

    @property
    def facts(self) -> list[DomainRegistration]:
        """All that was recorded of domains, in order."""
        return self.folder.store.all(DomainRegistration, order=("fetched_at", "tld", "answer_id"))


def looked_up(
    path: Path,
    reports: Mapping[str, str],
    known: Sequence[TrueDomain],
    work: Any,
    *,
    categories: tuple[str, ...] = ("phishing",),
    behaviours: dict[str, RegistryBehaviour] | None = None,
    suffixes: Sequence[str] = (),
    **settings: Any,
) -> None:
    """Call `work` with a study of URLs, each reported in a category, and registries that know some domains."""

    async def go() -> None:
        time = clock()
        async with RdapServers(Registries((), domains=known, suffixes=suffixes), time.now, behaviours) as servers:
            domains = Domains(categories=categories, bases=servers.bases)
            registry = Registry(timeout_s=0.5, default_a_minute=600.0, **settings)
            config = Config(study=f"{random.getrandbits(64):016x}", registry=registry, domains=domains)
            study = create_study(path / "study", config, Lab(resolver="127.0.0.1:9", clock=NOON, connect_to=()))
            file = path / "reports.csv"
            file.write_text("".join(["url,category\n", *(f"{url},{kind}\n" for url, kind in reports.items())]))
            study.import_reports(file, source="desk")
            file.unlink()
            await work(Lookups(study.folder, servers, time))
            study.close()

    asyncio.run(go())


def test_a_domain_is_asked_at_its_registry_and_kept_without_its_name(tmp_path: Path) -> None:
    """Registrar, days and statuses are kept under the keyed id; a second crawl asks nothing."""

    async def work(here: Lookups) -> None:
        report = await here.ask()
        (fact,) = here.facts
        assert (fact.site_id, fact.tld) == (here.folder.vault.keyed_id("site", KNOWN.name), "com")
        assert (fact.status, fact.registrar, fact.registrar_name) == ("ok", "iana:146", "Example Registrar, LLC")
        assert fact.created_on is not None
        assert fact.created_on.isoformat() == "2025-03-01T00:00:00+00:00"
        assert fact.states == ("client hold", "client transfer prohibited")
        assert here.servers.paths["com"] == ["/rdap/domain/harbourlamp.com"]
        assert (report.requests, report.without) == (1, 0)
        assert (await here.ask()).rows == ()
        stored = b"".join(one.read_bytes() for one in here.folder.path.rglob("*") if one.is_file())
        assert b"harbourlamp" not in stored.lower()

    looked_up(
        tmp_path, {"https://www.harbourlamp.com/a": "phishing", "http://harbourlamp.com/b": "phishing"}, [KNOWN], work
    )


def test_only_opted_in_categories_are_asked_for_and_never_a_strict_one(tmp_path: Path) -> None:
    """A domain of which one URL is checked strictly is not named to anybody, whatever else it was reported for."""
    names = ("one.com", "two.com", "three.com", "four.com")
    reports = {
        "http://one.com/": "phishing",
        "http://two.com/": "malware",
        "http://three.com/a": "phishing",
        "http://three.com/b": "abuse-material",
        "http://four.com/": "abuse-material",
    }

    async def work(here: Lookups) -> None:
        await here.ask()
        assert here.servers.paths["com"] == ["/rdap/domain/one.com"]

    looked_up(tmp_path, reports, [TrueDomain(name=name) for name in names], work)


def test_without_categories_nobody_is_asked(tmp_path: Path) -> None:
    """The look-up of domains is off unless the settings name categories."""

    async def work(here: Lookups) -> None:
        assert (await here.ask()).rows == ()
        assert (here.servers.requests, here.facts) == (0, [])

    looked_up(tmp_path, {"http://harbourlamp.com/": "phishing"}, [KNOWN], work, categories=())


def test_special_names_platforms_and_addresses_are_never_asked_for(tmp_path: Path) -> None:
    """Not even where the settings give a server for their suffix."""
    reports = {
        "http://abcdefghij234567.onion/": "phishing",
        "http://printer.local/": "phishing",
        "http://shop.pages.dev/": "phishing",
        "http://shop.example/": "phishing",
        "http://192.0.2.7/": "phishing",
        "https://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi.ipfs.gateway.com/": "phishing",
    }

    async def work(here: Lookups) -> None:
        assert (await here.ask()).rows == ()
        assert here.servers.requests == 0

    looked_up(tmp_path, reports, [], work, suffixes=("onion", "local", "dev", "example", "com"))


def test_what_is_not_registered_is_a_dated_fact(tmp_path: Path) -> None:
    """HTTP 404 is an answer: it is no failure of the crawl, and a later one shows a new registration."""

    async def work(here: Lookups) -> None:
        report = await here.ask()
        (fact,) = here.facts
        assert (fact.status, fact.reason, fact.registrar, report.without) == ("not_found", "HTTP 404", None, 0)
        here.servers.set_registries(Registries((), domains=[KNOWN]))
        await here.time.sleep_until(NOON + timedelta(days=31))
        await here.ask()
        assert [one.status for one in here.facts] == ["not_found", "ok"]

    looked_up(tmp_path, {"http://harbourlamp.com/": "phishing"}, [], work, suffixes=("com",))


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("refused", "refused"),
        ("limited", "limited"),
        ("error", "server_error"),
        ("garbage", "bad_answer"),
        ("html", "bad_answer"),
        ("truncated", "bad_answer"),
        ("loop", "bad_answer"),
        ("away", "bad_answer"),
        ("page", "bad_answer"),
    ],
)
def test_a_registry_that_gives_no_answer_is_a_dated_reason(
    tmp_path: Path, fault: str, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing else is lost: others answer, the question is asked again later, and no log names the domain."""
    caplog.set_level("DEBUG")

    async def work(here: Lookups) -> None:
        report = await here.ask()
        bad, good = here.facts if here.facts[0].tld == "com" else here.facts[::-1]
        assert (bad.status, good.status, report.without) == (status, "ok", 1)
        assert bad.reason
        assert (await here.ask()).rows == ()
        here.servers.set_registries(Registries((), domains=[KNOWN]))
        await here.time.sleep_until(NOON + timedelta(days=1))
        await here.ask()
        assert here.facts[-1].status == "ok"

    known = [TrueDomain(name=KNOWN.name, rotten=fault), TrueDomain(name="lamp.nl", registrar=None)]
    reports = {"http://harbourlamp.com/": "phishing", "http://lamp.nl/": "phishing"}
    looked_up(tmp_path, reports, known, work, tries=2)
    assert "harbourlamp" not in caplog.text.lower()


def test_a_top_level_domain_without_a_registry_is_a_dated_reason(tmp_path: Path) -> None:
    """Nobody is asked, and it is not written down again and again."""

    async def work(here: Lookups) -> None:
        report = await here.ask()
        (fact,) = here.facts
        assert (fact.status, fact.registry, report.requests) == ("no_registry", None, 0)
        await here.time.sleep_until(NOON + timedelta(days=1))
        await here.ask()
        assert len(here.facts) == 1

    looked_up(tmp_path, {"http://lamp.nl/": "phishing"}, [KNOWN], work)


def test_a_name_that_went_is_asked_for_again(tmp_path: Path) -> None:
    """The answer from before tells nothing of why; the one after does, by its ETag if nothing changed."""

    async def work(here: Lookups) -> None:
        await here.ask()
        host_id = here.folder.vault.keyed_id("host", "harbourlamp.com")
        there, gone = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
        here.folder.store.add([resolution(host_id, "ok", there), resolution(host_id, "nxdomain", gone)])
        await here.time.sleep_until(NOON + timedelta(hours=3))
        await here.ask()
        assert [one.states for one in here.facts] == [KNOWN.states, KNOWN.states]
        assert here.servers.unchanged == 1
        assert (await here.ask()).rows == ()

    looked_up(tmp_path, {"http://harbourlamp.com/": "phishing"}, [KNOWN], work)


def resolution(host_id: str, status: Any, when: datetime) -> Resolution:
    """A name's answer."""
    return Resolution(
        resolution_id=f"{when:%Y%m%d%H}{host_id[:8]}",
        host_id=host_id,
        run_id="0" * 32,
        vantage="here",
        status=status,
        addresses=("198.51.100.7",) if status == "ok" else (),
        cname_ids=(),
        ttl_s=60,
        ede=(),
        resolver="127.0.0.1:53",
        resolved_at=when,
    )


def test_what_is_forgotten_is_asked_for_no_more(tmp_path: Path) -> None:
    """Its answers stay under an id that nobody can turn back."""

    async def work(here: Lookups) -> None:
        await here.ask()
        forget(here.folder, here.folder.vault.keyed_id("host", "harbourlamp.com"), "asked for it")
        await here.time.sleep_until(NOON + timedelta(days=31))
        await here.ask()
        assert (len(here.facts), here.servers.requests) == (1, 1)

    looked_up(tmp_path, {"http://harbourlamp.com/": "phishing"}, [KNOWN], work)


def test_a_strict_category_is_refused_in_the_settings(tmp_path: Path) -> None:
    """One sentence with the category, what was expected and where to look."""
    path = tmp_path / "waterbed.toml"
    path.write_text('study = "s"\n[domains]\ncategories = ["phishing", "abuse-material"]\n')
    with pytest.raises(InputError, match=r"'abuse-material', whose profile is strict.*docs/ethics\.md"):
        read_config(path)
