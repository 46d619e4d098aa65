"""Every behaviour of the zoo, in every profile: the verdict, the time, the bytes, the silence of the log."""

import gc
import re
import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest

from tests.study.rig import NOON
from tests.zoo.expected import EXPECTED, expected
from tests.zoo.page import PAGE, read_page
from tests.zoo.rig import ASK_S, NAME_S, PROFILES, Played, Seen, listening, names_in, play, zoo_study
from tests.zoo.servers import Zoo, behaviours
from waterbed.crawler.net.connection import MAX_EXCHANGE, MAX_HANDSHAKE
from waterbed.crawler.net.http import ADDRESSES_TRIED
from waterbed.crawler.recheck.run import run_recheck
from waterbed.judging.features import compare
from waterbed.model.conclusions import EndCause
from waterbed.model.facts import Profile
from waterbed.store.settings import Vantage
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import open_study

NAMES = [behaviour.name for behaviour in behaviours()]
_SLACK_S = 2.0
_TEXT = 65_536
"""A page and what comes with it, bytes."""

_PIECE = 2_048
"""What may be taken past a head, bytes."""


@pytest.fixture(scope="session")
def played() -> dict[Profile, Played]:
    """One pass over the whole zoo in each profile, with keys in a place of their own."""
    with tempfile.TemporaryDirectory() as folder, Zoo() as zoo, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", folder)
        for name in ("WATERBED_KEYS", "WATERBED_KEY_FILE", "WATERBED_STORE"):
            patch.delenv(name, raising=False)
        return {profile: play(zoo, profile, Path(folder)) for profile in PROFILES}


@pytest.mark.parametrize("name", NAMES)
def test_each_behaviour_ends_in_its_verdict(name: str, played: dict[Profile, Played]) -> None:
    """A look ends in an observation and in the verdict and rule that its behaviour deserves."""
    got = {
        profile: f"{seen.verdict.outcome} {seen.verdict.rule}"
        for profile, each in played.items()
        if (seen := each.seen.get(name))
    }
    assert got == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_each_look_is_bounded(name: str, played: dict[Profile, Played]) -> None:
    """No look takes longer than its deadlines or more bytes than a head and a piece."""
    for profile, each in played.items():
        seen = each.seen[name]
        taken, look = seen.taken, seen.observation
        requests = max(sum(taken.methods.values()), taken.connections, 1)
        tries = ADDRESSES_TRIED if look.phase in ("connect", "tls") else 1
        assert seen.seconds < 2 * NAME_S + ASK_S * (requests + tries - 1) + _SLACK_S, profile
        most = MAX_EXCHANGE + _pages(seen)
        most += MAX_HANDSHAKE if callable(seen.behaviour.https) else 0
        assert look.bytes_read <= most * requests, profile
        assert taken.acked <= most, profile
        assert taken.excess_plain <= _PIECE + _pages(seen), profile
        assert taken.excess_tls <= _PIECE + _pages(seen), profile


def _pages(seen: Seen) -> int:
    """Bytes past the head that the profile allows: in `text`, those of a page."""
    return _TEXT if seen.observation.profile == "text" else 0


def test_no_body_is_taken_outside_the_text_profile(played: dict[Profile, Played]) -> None:
    """Servers that push 10 MB see less than 2 KiB past the head acknowledged, with TLS too."""
    pushing = [name for name in NAMES if "photo" in name or "10-mb" in name or "image" in name or "bomb" in name]
    assert len(pushing) >= 8
    for profile in ("strict", "headers"):
        for name in pushing:
            taken = played[profile].seen[name].taken
            assert taken.excess_plain <= _PIECE
            assert taken.excess_tls <= _PIECE


def test_images_are_no_pages(played: dict[Profile, Played]) -> None:
    """A photo is not read on, whatever it is labelled, and nothing of it is kept."""
    for name in ("image-as-html", "image-as-html-at-get", "image-as-html-behind-405", "image-behind-405"):
        seen = played["text"].seen[name]
        assert seen.observation.page_id is None
        assert seen.observation.title_id is None
        assert seen.taken.excess_plain <= _PIECE


def test_a_control_is_asked_as_its_look_was(played: dict[Profile, Played]) -> None:
    """Where HEAD is refused for everything, the control is asked by GET too, and only so can the two be compared."""
    for name in ("image-behind-405", "image-as-html-behind-405", "gzip-bomb-behind-405"):
        seen = played["headers"].seen[name]
        assert compare(seen.observation, seen.control) == "same"
    seen = played["headers"].seen["page-behind-405"]
    assert compare(seen.observation, seen.control) == "differs"


def test_nothing_but_ids_is_logged(played: dict[Profile, Played]) -> None:
    """Not one host of the zoo stands in the log of any pass, at DEBUG."""
    for each in played.values():
        assert names_in(each.log, [seen.behaviour for seen in each.seen.values()]) == []


def test_retry_after_is_bounded(played: dict[Profile, Played]) -> None:
    """Seconds and dates are read, absurd ones are cut, nonsense is nothing."""
    seen = played["strict"].seen
    waits = {name: seen[name].observation.retry_after_s for name in seen if name.startswith("retry-after")}
    assert waits == {
        "retry-after-seconds": 120,
        "retry-after-date": 300,
        "retry-after-absurd": 30 * 86_400,
        "retry-after-nonsense": None,
        "retry-after-overflow": None,
    }


def test_private_addresses_are_never_asked(played: dict[Profile, Played]) -> None:
    """Where all answers are private nobody is connected; where one is public, that one is."""
    for each in played.values():
        for name in ("private-answers", "nat64-private", "mapped-private", "6to4-private"):
            assert each.seen[name].taken.connections == 0
            assert each.seen[name].observation.address is None
        for name in ("private-and-public", "spoofed-port"):
            assert str(each.seen[name].observation.address).startswith("28.")


def test_what_the_resolver_said_is_kept(played: dict[Profile, Played]) -> None:
    """Extended errors and TTLs are facts, also the strange ones."""
    seen = played["strict"].seen
    assert seen["servfail-with-reason"].resolution.ede == (6,)
    assert seen["nxdomain-blocked"].resolution.ede == (15,)
    assert seen["ttl-0"].resolution.ttl_s == 0
    assert seen["ttl-huge"].resolution.ttl_s == 0
    assert len(seen["thousand-addresses"].resolution.addresses) == 256


def test_bad_certificates_are_recorded(played: dict[Profile, Played]) -> None:
    """What is wrong with a certificate is a fact and hinders nothing."""
    seen = played["strict"].seen
    problems = {
        name: seen[name].observation.tls_problem for name in seen if name.startswith(("certificate", "tls-good"))
    }
    assert problems == {
        "tls-good": None,
        "certificate-expired": "expired",
        "certificate-self-signed": "self_signed",
        "certificate-wrong-name": "wrong_name",
        "certificate-sha1": "self_signed",
        "certificate-huge": None,
        "certificate-two-names": "unreadable",
        "certificate-x400": "unreadable",
        "certificate-version-8": "unreadable",
    }
    assert seen["tls-1-0"].observation.tls_version == "TLSv1"


def _again(name: str, times: int, folder: Path, profile: Profile = "strict") -> tuple[list[str], Conclusions, int]:
    """The outcomes of several checks of one behaviour, three hours apart, and how many connections they took."""
    now = [NOON]
    with Zoo([name]) as zoo:
        with zoo_study(zoo, profile, folder) as study:
            path = study.folder.path
        with open_study(path, clock=lambda: now[0]) as study:
            for _ in range(times):
                run_recheck(study.folder, everything=True)
                now[0] += timedelta(hours=3)  # a control look serves a changed answer for two
            conclusions = study.conclude()
            return [verdict.outcome for verdict in conclusions.verdicts], conclusions, zoo.taken()[name].connections


def test_up_and_gone_by_turns_is_no_removal(tmp_path: Path) -> None:
    """A page that is gone at every second look is a flap: its episode goes on."""
    outcomes, conclusions, _ = _again("alternating", 6, tmp_path)
    assert outcomes == ["up", "gone"] * 3
    assert [episode.first_down for episode in conclusions.episodes] == [None] * len(conclusions.episodes)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "name", ["elsewhere-later", "banner-elsewhere-later", "suspended-elsewhere-later", "banner-later"]
)
def test_all_of_a_host_that_changes_at_once_is_unknown(name: str, profile: Profile, tmp_path: Path) -> None:
    """From one network, in every profile: the episode goes on, and nothing after the first check is known.

    Where no random path may be asked, a banner that the host itself shows is a page like others.
    """
    _, conclusions, _ = _again(name, 5, tmp_path, profile)
    here = (name, profile) == ("banner-later", "strict")
    assert [verdict.state for verdict in conclusions.verdicts] == ["up", *["up" if here else "unknown"] * 4]
    assert [episode.cause for episode in conclusions.episodes] == [None]


@pytest.mark.parametrize(
    ("name", "profile", "then", "cause"),
    [
        ("front-page-later", "strict", "changed", None),
        ("front-page-later", "headers", "soft_gone", "removed"),
        ("front-page-later", "text", "soft_gone", "removed"),
        ("login-later", "strict", "changed", None),
        ("login-later", "headers", "indistinct", None),
        ("login-later", "text", "indistinct", None),
    ],
)
def test_a_page_that_later_leads_on(
    name: str, profile: Profile, then: str, cause: EndCause | None, tmp_path: Path
) -> None:
    """It is removed if it alone goes to the front page, as a random path shows; behind a login nothing is known."""
    outcomes, conclusions, _ = _again(name, 5, tmp_path, profile)
    assert outcomes == ["up", *[then] * 4]
    assert [episode.cause for episode in conclusions.episodes] == [cause]


@pytest.mark.parametrize(
    ("name", "outcomes"), [("not-for-us", ["challenge", "up"]), ("gone-for-us", ["disputed", "up"])]
)
def test_another_agent_sees_what_is_kept_from_ours(name: str, outcomes: list[str], tmp_path: Path) -> None:
    """A vantage of the same network with a user agent of its own disputes what our usual one was told."""
    browser = Vantage(name="browser", network="zoo", agent="Mozilla/5.0 (X11; Linux x86_64) research, zoo@localhost")
    with Zoo([name]) as zoo, zoo_study(zoo, "headers", tmp_path, (browser,)) as study:
        run_recheck(study.folder)
        conclusions = study.conclude()
        pairs = zip(conclusions.facts.looks, conclusions.verdicts, strict=True)
        (own, its), (usual, first) = sorted(pairs, key=lambda pair: pair[0].vantage)
        assert [first.outcome, its.outcome] == outcomes
        assert (usual.agent_id, own.agent_id) == (None, study.folder.vault.keyed_id("agent", str(browser.agent)))


def test_a_name_that_turns_private_is_not_followed(tmp_path: Path) -> None:
    """A name that was public when it was first looked at and is loopback later is refused from then on."""
    outcomes, _, connections = _again("rebinding", 3, tmp_path)
    assert outcomes == ["up", "refused_by_us", "refused_by_us"]
    assert connections == 1


@pytest.mark.long
def test_ten_megabytes_on_offer_cost_no_memory(tmp_path: Path) -> None:
    """A pass over servers that push 10 MB each takes hardly more than one over as many others."""
    parts = ("photo", "10-mb", "image", "bomb", "1-mb", "-endless", "endless-certificate")
    pushing = [name for name in NAMES if any(part in name for part in parts)]
    others = [name for name in NAMES if name not in pushing][: len(pushing)]
    peaks: dict[str, list[int]] = {"others": [], "pushing": []}
    for kind, names in (("others", others), ("pushing", pushing)):
        with Zoo(names) as zoo, listening():
            for again in range(5):
                folder = tmp_path / f"{kind}-{again}"
                folder.mkdir()
                gc.collect()
                Path("/proc/self/clear_refs").write_text("5")
                before = _kib("VmRSS")
                play(zoo, "headers", folder)
                peaks[kind].append(_kib("VmHWM") - before)
    # a pass pays what this process had not loaded yet, or finds what an earlier test let go: most do neither
    usual = {kind: median(own) for kind, own in peaks.items()}
    assert usual["pushing"] - usual["others"] < 8_192, peaks


def _kib(field: str) -> int:
    """One figure of this process's status, KiB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:")))


def test_the_zoo_is_large_enough() -> None:
    """At least 60 behaviours, each named once, each with what is expected of it."""
    assert len(NAMES) == len(set(NAMES)) >= 60
    assert set(EXPECTED) == set(NAMES)


def test_the_page_says_what_is_so() -> None:
    """The committed page has every behaviour with the verdict and the rule that are expected of it."""
    told: dict[str, dict[str, str]] = {}
    for name, profile, outcome, rule in read_page(PAGE.read_text()):
        told.setdefault(name, {})[profile] = f"{outcome} {rule}"
    assert told == {name: expected(name) for name in NAMES}


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "docs/concepts.md"])
def test_all_say_one_number_of_servers(name: str) -> None:
    """Each file that counts the behaviours says how many hundreds they are."""
    said = re.findall(r"(\d+) (?:kinds of )?(?:misbehaving|hostile) servers", (PAGE.parents[1] / name).read_text())
    assert said == [str(len(NAMES) // 100 * 100)]
