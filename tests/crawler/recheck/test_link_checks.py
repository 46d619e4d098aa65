"""A whole pass that asks a hoster's form in place of its files."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.study.rig import NOON, config, reports_csv
from waterbed.crawler.probe.link_checks import LINK_CHECKS, LinkCheck, read_link_checks
from waterbed.crawler.recheck.run import run_recheck
from waterbed.lab.servers.link_checks import MANNERS, LinkCheckHost, link_check_host
from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.wire import server_context
from waterbed.lab.world.replay import replay
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation
from waterbed.model.urls import canonicalize
from waterbed.store.audit import audits
from waterbed.store.machine_settings import ConnectTo, Lab
from waterbed.study.study import Study, create_study

ADDRESS = "28.10.7.7"
THERE, GONE, KNOWN = (
    f"http://img.secret-example.com/i/00001/{name}.jpg" for name in ("a1b2c3d4e5f6", "z9y8x7w6v5u4", "kn0wn0kn0wn0")
)
CHECK = """
[[link_check]]
name = "images"
suffix = "secret-example.com"
path = "^/i/[0-9]+/([a-z0-9]{12})"
method = "POST"
ask = "/?op=checkfiles"
form = { op = "checkfiles", list = "{url}" }
body_limit = 8192
exists_words = ["Found"]
missing_words = ["Not found!"]
known = "/i/00001/kn0wn0kn0wn0.jpg"
allow_in_strict = true
authorised = "The board, 2026-01-05"
"""


@contextmanager
def hosted(check: LinkCheck, manner: str) -> Iterator[LinkCheckHost]:
    """The hoster's form on loopback, beside the pass's own loop."""
    chosen = next(one for one in MANNERS if one.name == manner)
    hosts: list[LinkCheckHost] = []
    began, ends = Event(), Event()

    async def serve() -> None:
        async with link_check_host(check, chosen, [canonicalize(THERE), canonicalize(KNOWN)], server_context()) as host:
            hosts.append(host)
            began.set()
            await asyncio.to_thread(ends.wait)

    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert began.wait(60)
    try:
        yield hosts[0]
    finally:
        ends.set()
        thread.join(60)


@contextmanager
def passed(folder: Path, manner: str, text: str = CHECK) -> Iterator[tuple[Study, LinkCheckHost]]:
    """A study after a pass over two files, one of which is there."""
    pairs = [(THERE, ADDRESS), (GONE, ADDRESS)]
    (folder / LINK_CHECKS).write_text(CHECK)
    with LabServers(replay(pairs), NOON) as servers, hosted(read_link_checks(folder)[0], manner) as host:
        own = ConnectTo(prefix=f"{ADDRESS}/32", port=80, listener=f"127.0.0.1:{host.port}")
        others = tuple(one for one in servers.connect_to if one.prefix != own.prefix)
        lab = Lab(resolver=servers.resolver, clock=NOON, connect_to=(own, *others))
        with create_study(folder / "study", config(servers), lab) as study:
            (study.path / LINK_CHECKS).write_text(text)
            study.import_reports(reports_csv(pairs, folder))
            yield study, host


def test_a_form_is_asked_in_place_of_the_files(tmp_path: Path) -> None:
    """One request a file, a made-up and a known one first; what is kept is the hoster's word, and who authorised it."""
    with passed(tmp_path, "honest") as (study, host):
        run_recheck(study.folder)
        assert host.asked == ["POST"] * 4
        outcomes = {study.folder.vault.keyed_id("url", canonicalize(url).url): state for url, state in
                    ((THERE, "up"), (GONE, "gone"))}  # fmt: skip
        assert {verdict.url_id: verdict.outcome for verdict in study.conclude().verdicts} == outcomes
        looks = study.store.all(Observation)
        assert {(look.link_check, look.method, look.status) for look in looks} == {("images", "POST", 200)}
        (entry,) = [one for one in audits(study.folder) if one.action == "authorise"]
        assert "The board, 2026-01-05" in entry.reason
        kept = b"".join(path.read_bytes() for path in study.path.glob("waterbed.db*"))
        for word in (b"Not found!", b"checkfiles", b"secret-example", b"a1b2c3d4e5f6"):
            assert word not in kept


def test_a_form_that_lies_leaves_all_unknown(tmp_path: Path) -> None:
    """One that confirms everything is asked once, about nothing that was reported."""
    with passed(tmp_path, "confirms all") as (study, host):
        run_recheck(study.folder)
        assert host.asked == ["POST"]
        assert {verdict.state for verdict in study.conclude().verdicts} == {"unknown"}


def test_a_check_that_nobody_authorised_stops_the_pass_before_it_begins(tmp_path: Path) -> None:
    """Nothing is sent, and one sentence says what was expected."""
    with passed(tmp_path, "honest", CHECK.replace("allow_in_strict = true", "")) as (study, host):
        with pytest.raises(InputError, match="allow_in_strict = true was expected"):
            run_recheck(study.folder)
        assert host.asked == []
        assert study.store.count(Observation) == 0
