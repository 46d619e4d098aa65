"""A CDN's origin service: what it is told, what is kept, and where it is never used."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import sleep

import msgspec
import pytest

from tests.docs.markdown import ROOT
from tests.publish.study import small_study
from tests.store.study_folder import made
from waterbed.attribution.lookups.origin_service import Credentials, OriginService, ServiceFailed
from waterbed.crawler.origins import OriginReport, ask_origins, case_number
from waterbed.governance.origin_agreement import decide_use
from waterbed.lab.servers.origins import OriginPlay, origin_service
from waterbed.measures.ranking_tables import ranking_of
from waterbed.measures.told_origins import hosts_behind, with_told_origins
from waterbed.model.errors import InputError
from waterbed.model.facts import Origin
from waterbed.publish.freeze.package_facts import FROZEN_FACTS
from waterbed.publish.release import publish_all
from waterbed.questions.explain.url import chain_of_url
from waterbed.store.audit import audits
from waterbed.store.config import write_toml
from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import SEALED
from waterbed.store.lake.reading import known_resolved
from waterbed.study.study import Study

Run = Callable[..., tuple[int, str, str]]
NAMES = {"h-d02": "secret-two.example.com", "h-d03": "secret-three.example.com"}
BEHIND = "28.0.77.7"
"""An address of the first hoster's network."""
BOOK = '[[hoster]]\nkey = "cdn"\nname = "A CDN"\nkind = "proxy"\nasns = [64503]\n'


@dataclass
class Asking:
    """A folder with the names of two hosts, and the CDN's service."""

    folder: Folder
    play: OriginPlay
    waited: list[float]

    def set(self, **settings: object) -> None:
        folder = self.folder
        origins = msgspec.structs.replace(folder.config.origins, **settings)
        folder.config = msgspec.structs.replace(folder.config, origins=origins)

    def ask(self, limit: int | None = None) -> OriginReport:
        return ask_origins(self.folder, [*NAMES], limit=limit, wait=self.waited.append)

    def answers(self) -> list[Origin]:
        return self.folder.store.all(Origin, order=("host_id",))


@contextmanager
def set_up(folder: Folder) -> Iterator[Asking]:
    """Set everything up; nothing is asked yet."""
    told = {NAMES["h-d02"]: {"isUsingCloudflare": True, "originIPv4": [BEHIND], "originIPv6": []}}
    with origin_service(OriginPlay(origins=told)) as play, pytest.MonkeyPatch.context() as patched:
        folder.store.add([folder.vault.seal("host", name, host_id) for host_id, name in NAMES.items()])
        patched.setenv("WATERBED_ORIGIN_ID", play.id)
        patched.setenv("WATERBED_ORIGIN_SECRET", play.secret)
        found = Asking(folder, play, [])
        found.set(url=play.url, proxy="cdn", categories=("phishing",))
        yield found


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    """A folder without looks."""
    with closing(made(tmp_path / "study")) as folder, set_up(folder) as found:
        yield found


@pytest.fixture
def looked(tmp_path: Path) -> Iterator[tuple[Asking, Study]]:
    """A study whose looks met the CDN."""
    with small_study(tmp_path) as study:
        (tmp_path / "hosters.toml").write_text(BOOK)
        study.set_hosters(tmp_path / "hosters.toml")
        with set_up(study.folder) as found:
            yield found, study


def test_host_name_and_case_number_alone_are_sent(asking: Asking) -> None:
    """The number is opaque and the same each time; each question is on record, by the host's id."""
    report = asking.ask()
    assert (report.told, report.not_behind, report.waiting, report.stopped) == (1, 1, 0, "")
    folder = asking.folder
    assert [(host, case) for host, case, _ in asking.play.asked] == [
        (name, case_number(folder, host_id)) for host_id, name in NAMES.items()
    ]
    headers = {"accept", "accept-encoding", "cf-access-client-id", "cf-access-client-secret", "host"}
    assert {header for *_, sent in asking.play.asked for header in sent} == headers
    assert [entry.subject_id for entry in audits(folder) if entry.action == "ask"] == [*NAMES]
    assert not any("secret" in entry.reason for entry in audits(folder))
    assert [(one.outcome, one.addresses) for one in asking.answers()] == [("told", (BEHIND,)), ("not_behind", ())]


def test_an_answer_serves_for_days(asking: Asking) -> None:
    """A host with a recent answer is not asked about again; the pace holds over rounds."""
    asking.ask(limit=1)
    assert asking.waited == []
    report = asking.ask()
    assert (report.fresh, len(asking.play.asked)) == (1, 2)
    assert 0 < asking.waited[0] <= 10
    asking.set(fresh_days=0)
    assert asking.ask().fresh == 0


def test_limits_end_a_round_and_lose_nothing(asking: Asking) -> None:
    """Ours and theirs: what was told is kept, the rest waits, one sentence says why."""
    asking.play.a_round = 1
    report = asking.ask()
    assert (report.told, report.waiting, report.stopped) == (1, 1, "the service asks for patience for 60 s")
    asking.play.a_round = None
    asking.set(a_day=2)
    report = asking.ask()
    assert (report.told, report.waiting) == (0, 1)
    assert "origins.a_day is 2" in report.stopped
    assert len(asking.answers()) == 1


def test_bad_credentials_are_one_sentence(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing or refused is said without its value, and answers of before stay."""
    asking.ask(limit=1)
    for value, says in (("wrong", "refused the credentials"), ("", "is not set"), ("two words\r\nX: y", "not plain")):
        monkeypatch.setenv("WATERBED_ORIGIN_SECRET", value)
        with pytest.raises(InputError, match=says) as caught:
            asking.ask()
        assert not value or value.split()[0] not in str(caught.value)
        assert "docs/origins.md" in str(caught.value)
    assert len(asking.answers()) == 1


@pytest.mark.parametrize("fault", ["error", "redirect", "garbage", "truncated", "failure", "html", "large", "empty"])
def test_an_answer_of_no_use_is_no_fact(asking: Asking, fault: str) -> None:
    """Failures are counted, their hosts wait, and no redirect is followed."""
    asking.play.fault = fault
    report = asking.ask()
    assert (report.failed, report.waiting, asking.answers()) == (2, 2, [])
    asking.play.fault = ""
    assert asking.ask().told == 1


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b"x"),
    ],
)
def test_an_answer_without_end_takes_no_longer_than_a_question_may(begins: bytes, goes_on: bytes) -> None:
    """Bytes that keep coming prolong nothing: our side hangs up first."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        hung_up: list[bool] = []

        def drip() -> None:
            with listening.accept()[0] as peer:
                peer.recv(4096)
                try:
                    peer.sendall(begins)
                    for _ in range(80):
                        peer.sendall(goes_on)
                        sleep(0.05)
                except OSError:
                    hung_up.append(True)

        server = Thread(target=drip)
        server.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/{{case}}"
        with pytest.raises(ServiceFailed):
            OriginService(url, Credentials(id="i", secret="s"), timeout_s=0.3).ask("a.example.com", "WB1")
        server.join()
    assert hung_up


def test_told_texts_are_checked(asking: Asking) -> None:
    """Addresses that are not public are dropped, and so is a hoster's name that is a host name."""
    asking.play.origins = {
        NAMES["h-d02"]: {
            "originIPv4": ["127.0.0.1", "10.0.0.1", "no address", 7, BEHIND],
            "originASN": 64500,
            "originHoster": "www.evil-host.com",
        },
        NAMES["h-d03"]: {"originIPv4": ["192.168.0.1"], "originASN": True, "originHoster": "Hosting BV"},
    }
    for one in asking.play.origins.values():
        one["isUsingCloudflare"] = True  # type: ignore[index]  # (a dict)
    asking.ask()
    assert [(one.addresses, one.asn, one.hoster) for one in asking.answers()] == [
        ((BEHIND,), 64500, None),
        ((), None, "Hosting BV"),
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"url": ""},
        {"proxy": ""},
        {"categories": ()},
        {"url": "http://trust.example/{case}"},
        {"url": "https://trust.example/case"},
        {"url": "https://user@trust.example/{case}"},
        {"url": "ftp://127.0.0.1/{case}"},
        {"url": "https://[trust.example/{case}"},
        {"url": "https://trust.example:99999/{case}"},
        {"url": "http://127.0.0.1:0/{case}"},
    ],
)
def test_nothing_is_asked_unless_all_is_set_up(asking: Asking, settings: dict[str, object]) -> None:
    """It is off by default; https, or loopback, is asked, and one sentence says what was expected."""
    asking.set(**settings)
    with pytest.raises(InputError, match=r"docs/origins\.md"):
        asking.ask()
    assert asking.play.asked == []


def test_hosts_behind_the_cdn_of_named_categories_are_asked_about(looked: tuple[Asking, Study]) -> None:
    """Content that is up there now, reported in a category that may be named to the service."""
    asking, study = looked
    conclusions = study.conclude()
    assert hosts_behind(study, conclusions) == [*NAMES]
    asking.set(categories=("abuse-material",))
    assert hosts_behind(study, conclusions) == []


def test_rankings_use_it_with_the_agreement_alone(looked: tuple[Asking, Study]) -> None:
    """Settings and a decision on record, and a ranking that says so; without, nothing changes."""
    asking, study = looked
    asking.ask()
    before = {row.key: row.urls for row in ranking_of(study.conclude())}
    with pytest.raises(InputError, match="no agreement is on record"):
        with_told_origins(study, study.conclude())
    decide_use(study.folder, agreed=True, reason="agreement of 2026-01-05")
    with pytest.raises(InputError, match=r"origins\.in_rankings is false"):
        with_told_origins(study, study.conclude())
    asking.set(in_rankings=True)
    after = {row.key: row.urls for row in ranking_of(with_told_origins(study, study.conclude()))}
    assert (after["AS64500"], after.get("cdn", 0)) == (before["AS64500"] + 1, before["cdn"] - 1)
    assert {row.key: row.urls for row in ranking_of(study.conclude())} == before
    decide_use(study.folder, agreed=False, reason="it has ended")
    with pytest.raises(InputError, match="no agreement is on record"):
        with_told_origins(study, study.conclude())


def test_it_stays_in_the_study(looked: tuple[Asking, Study], tmp_path: Path) -> None:
    """Explained here; in no publication, package, export or lake, and no look or question to a registry knows it."""
    asking, study = looked
    asking.ask()
    asking.set(in_rankings=True)
    decide_use(study.folder, agreed=True, reason="agreement of 2026-01-05")
    assert BEHIND in " ".join(link.value for link in chain_of_url(study, "d02", None))
    publish_all(study, tmp_path / "out")
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert BEHIND.encode() not in written
    assert Origin not in FROZEN_FACTS
    assert Origin not in SEALED
    assert BEHIND not in known_resolved(study.folder)


def test_nothing_for_others_knows_what_was_told() -> None:
    """No module that publishes, serves, exports or seals names the fact or what uses it."""
    rooms = [ROOT / "waterbed" / name for name in ("publish", "service", "store/lake", "intake")]
    files = [path for room in rooms for path in room.rglob("*.py")] + [*(ROOT / "crawler" / "probe").rglob("*.py")]
    assert len(files) > 100
    for path in files:
        text = path.read_text()
        assert "told_origins" not in text, path
        assert "facts.Origin" not in text, path
        assert not any(line.strip() == "Origin," for line in text.splitlines()), path


def test_the_commands_say_what_they_do(looked: tuple[Asking, Study], run: Run) -> None:
    """Off: exit code 2. Asked: counts. In rankings: by agreement, and marked in every form."""
    asking, study = looked
    at = ("-C", study.path)
    code, out, err = run(*at, "origins", "ask")
    assert (code, out) == (2, "")
    assert "origins.url, origins.proxy and origins.categories are not all set" in err
    write_toml(study.path / "waterbed.toml", study.folder.config)
    code, out, err = run(*at, "origins", "ask", "--limit", "1")
    assert (code, out.partition(",")[0]) == (0, "1 told"), err
    code, out, _ = run(*at, "origins", "list", "--format", "csv")
    assert (code, BEHIND in out, "secret" in out) == (0, True, False)
    code, _, err = run(*at, "rank", "--told-origins")
    assert (code, "waterbed origins agree" in err) == (2, True)
    asking.set(in_rankings=True)
    write_toml(study.path / "waterbed.toml", study.folder.config)
    assert run(*at, "origins", "agree", "--reason", "agreement of 2026-01-05")[0] == 0
    code, out, err = run(*at, "rank", "--told-origins", "--format", "json")
    assert code == 0, err
    assert "told in confidence: not for publication" in json.loads(out)["caveat"]
    assert run(*at, "rank", "--told-origins", "--since", "2026-01-05")[0] == 2
