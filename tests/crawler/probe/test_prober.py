"""Whole looks at servers on loopback: profiles, doubted HEADs, controls, link checks, several vantages."""

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.crawler.net.hostile import Answer, Extra, talking
from tests.crawler.net.pushing import context
from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.crawler.net.vantage import Vantage
from waterbed.crawler.probe.link_asking import UNTRUSTED
from waterbed.crawler.probe.link_checks import LinkCheck, link_checks_in
from waterbed.crawler.probe.prober import HostFacts, HostTask, Prober
from waterbed.model.bookkeeping import Due
from waterbed.model.facts import ControlLook, Observation
from waterbed.model.urls import canonicalize
from waterbed.store.config import Config
from waterbed.store.settings import Probe
from waterbed.store.vault import Keys, Vault

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
VAULT = Vault(Keys.new())
HERE = Vantage(name="here", network="one", source=None, proxy=None)
ELSEWHERE = Vantage(name="elsewhere", network="two", source="127.0.0.2", proxy=None)
ADDRESS = "28.10.0.7"


def due(category: str, fingerprint: str | None = None) -> Due:
    return Due(
        url_id="u",
        host_id="h",
        due_at=NOW,
        streak=0,
        first_report_at=NOW,
        category=category,
        lease_run_id="r",
        fingerprint=fingerprint,
    )


def head(status: str, *fields: str, body: str = "", method: str = "HEAD") -> bytes:
    lines = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + (body.encode() if method != "HEAD" else b"")


def looked(
    answer: Answer,
    *,
    path: str = "/a/page.html",
    urls: int = 1,
    others: Sequence[str] = (),
    extra: Extra | None = None,
    category: str = "phishing",
    vantages: Sequence[Vantage] = (HERE,),
    checks: Sequence[LinkCheck] = (),
    controls: tuple[ControlLook, ...] = (),
    fingerprint: str | None = None,
    probe: Probe | None = None,
    tls: ssl.SSLContext | None = None,
    ends: Callable[[], bool] = lambda: False,
) -> tuple[HostFacts, list[tuple[str, str, str]]]:
    """The facts of one check of a host's URLs, and the requests that the server received."""
    asked: list[tuple[str, str, str]] = []
    profiles = {"phishing": "headers", "abuse": "strict", "reading": "text"}
    settings = probe or Probe(delay_s=0.0, network_delay_s=0.0, timeout_s=2.0)
    config = Config(study="s" * 32, probe=_with_profiles(settings, profiles))

    async def run() -> HostFacts:
        async with talking(answer, asked, tls, extra) as port:
            prober = Prober(
                config=config,
                vault=VAULT,
                resolver=Resolver("127.0.0.1:1", timeout_s=0.1, tries=1, in_flight=1),
                connector=lambda address, _: ("127.0.0.1", port) if address == ADDRESS else None,
                clock=lambda: NOW,
                run_id="r",
                vantages=vantages,
                link_checks=checks,
                ends=ends,
            )
            paths = [path, *(f"{path}/{number}" for number in range(1, urls))]
            addresses = [*(f"{'https' if tls else 'http'}://{ADDRESS}{one}" for one in paths), *others]
            items = tuple((due(category, fingerprint), canonicalize(one)) for one in addresses)
            return await prober.check(HostTask(host_id="h", items=items, controls=controls, name_servers=None))

    return asyncio.run(run()), asked


def _with_profiles(probe: Probe, profiles: dict[str, str]) -> Probe:
    import msgspec

    return msgspec.structs.replace(probe, profiles=profiles)


def only(facts: HostFacts) -> Observation:
    (found,) = [fact for fact in facts.facts if isinstance(fact, Observation)]
    return found


def lies(method: str, target: str, source: str) -> bytes:
    return head("404 Not Found") if method == "HEAD" else head("200 OK", body="hello", method=method)


def test_a_head_that_lies_is_doubted_where_the_profile_allows() -> None:
    """A 404 to HEAD is asked again by GET, which counts; what HEAD had said is kept."""
    facts, asked = looked(lies)
    assert [method for method, *_ in asked][:2] == ["HEAD", "GET"]
    seen = only(facts)
    assert (seen.method, seen.status, seen.head_status) == ("GET", 200, 404)


def test_in_the_strict_profile_get_is_never_sent() -> None:
    """HEAD's word counts, lie or not: a reported URL gets HEAD alone."""
    facts, asked = looked(lies, category="abuse")
    assert [method for method, *_ in asked] == ["HEAD"]
    assert (only(facts).status, only(facts).head_status) == (404, None)


def test_a_doubted_head_is_not_confirmed_by_a_get_that_breaks_off() -> None:
    """GET's failure is what was seen then; what HEAD had said is kept beside it."""
    facts, _ = looked(lambda method, *_: head("404 Not Found") if method == "HEAD" else b"")
    seen = only(facts)
    assert (seen.method, seen.status, seen.failure, seen.head_status) == ("GET", None, "no_answer", 404)


def test_a_page_that_breaks_off_says_less_than_the_head_before_it() -> None:
    """Where HEAD is trusted and only the page is wanted, HEAD's answer stays."""
    facts, _ = looked(
        lambda method, *_: head("200 OK", "Content-Type: text/html", method=method) if method == "HEAD" else b"",
        category="reading",
    )
    assert (only(facts).method, only(facts).status, only(facts).failure) == ("HEAD", 200, None)


def page(method: str, target: str, source: str) -> bytes:
    title = "Account suspended" if target == "/a/page.html" else "Nothing"
    return head("200 OK", "Content-Type: text/html", body=f"<title>{title}</title>Sorry.", method=method)


def test_in_the_text_profile_a_page_leaves_hashes_and_marks_alone() -> None:
    """Title and words become keyed hashes, a known phrase becomes a mark; the words themselves are nowhere."""
    facts, _ = looked(page, category="reading")
    seen = only(facts)
    assert (seen.method, seen.marks) == ("GET", ("suspended",))
    assert seen.title_id == VAULT.keyed_id("title", "account suspended")
    assert "sorry" not in repr(facts.facts).lower()


def test_in_the_text_profile_a_picture_is_not_read() -> None:
    """A HEAD that names a picture is the end of the look."""
    facts, asked = looked(lambda method, *_: head("200 OK", "Content-Type: image/png"), category="reading")
    assert "GET" not in [method for method, target, _ in asked if target == "/a/page.html"]
    assert (only(facts).page_id, only(facts).media_type) == (None, "image/png")


def test_a_control_look_takes_a_second_path_only_where_the_first_is_answered() -> None:
    """404 for a random path needs no second one; 200 does, and what differs between the two is called unstable."""
    facts, asked = looked(lambda method, target, _: head("200 OK" if target == "/a/page.html" else "404 Not Found"))
    assert len(asked) == 2
    facts, asked = looked(lambda method, target, _: head("200 OK", body="x" * len(target)))
    control = next(fact for fact in facts.facts if isinstance(fact, ControlLook))
    assert (len(asked), control.unstable) == (3, ("content_length",))
    tokens = [target for _, target, _ in asked[1:]]
    assert all(re.fullmatch(r"/a/[0-9a-f]{32,58}\.html", token) for token in tokens)


def test_strict_looks_take_no_control_unless_enabled() -> None:
    """An unreported path is touched in the strict profile only when the study says so."""
    _, asked = looked(lambda *_: head("200 OK"), category="abuse")
    assert len(asked) == 1
    _, asked = looked(lambda *_: head("200 OK"), category="abuse", probe=Probe(strict_controls=True, delay_s=0.0))
    assert len(asked) == 3


CHECK = LinkCheck(
    name="pictures",
    suffix=ADDRESS,
    path=re.compile("^/i/([a-z0-9]+)"),
    ask="/exists/{1}",
    host=None,
    exists=frozenset({204}),
    missing=frozenset({404}),
)


def test_a_link_check_is_asked_in_place_of_the_file() -> None:
    """The file itself is not touched; the hoster's word becomes the fact."""
    facts, asked = looked(lambda *_: head("404 Not Found"), path="/i/k7q.jpg", category="abuse", checks=[CHECK])
    (_, made_up, _), (method, target, _) = asked
    assert (method, target) == ("HEAD", "/exists/k7q")
    assert re.fullmatch("/exists/[a-z][0-9][a-z]", made_up)
    assert (only(facts).link_check, only(facts).link_exists) == ("pictures", False)


def authorised(name: str) -> LinkCheck:
    (check,) = link_checks_in(Path(__file__).parent / "link_check_cases" / f"{name}.toml")
    return replace(check, suffix=ADDRESS, host=None)


@pytest.mark.parametrize(("name", "method"), [("get", "GET"), ("post", "POST")])
def test_in_the_strict_profile_only_an_authorised_link_check_gets_more_than_head(name: str, method: str) -> None:
    """It goes to the endpoint, about a made-up file first; the reported URL is not requested at all."""

    def answer(asked: str, target: str, source: str) -> bytes:
        there = b"a1b2" not in target.encode()
        return head("200 OK", "Content-Type: text/plain", body="" if not there else target[-4:], method=asked)

    check, path = authorised(name), "/a1b2/x.jpg" if name == "get" else "/i/a1b2.jpg"
    facts, asked = looked(answer, path=path, category="abuse", checks=[check])
    endpoint = check.ask.partition("{")[0]
    assert {one for one, *_ in asked} == {method}
    assert all(target.startswith(endpoint) for _, target, _ in asked)
    assert (only(facts).method, only(facts).link_exists) == ((method, True) if name == "get" else (None, None))
    assert only(facts).failure == (None if name == "get" else UNTRUSTED)
    _, asked = looked(answer, path=path, category="abuse")
    assert [(one, target) for one, target, _ in asked] == [("HEAD", path)]


def test_an_endpoint_that_confirms_all_is_asked_once_a_pass() -> None:
    """The made-up file is there, so nothing is asked about the reported ones: the looks are refused by us."""
    facts, asked = looked(
        lambda *_: head("204 No Content"), path="/i/k7q.jpg", urls=3, category="abuse", checks=[CHECK]
    )
    assert len(asked) == 1
    assert "k7q" not in asked[0][1]
    looks = [fact for fact in facts.facts if isinstance(fact, Observation)]
    assert [(look.phase, look.failure, look.link_exists) for look in looks] == [("guard", UNTRUSTED, None)] * 3


def test_patience_is_honoured_where_the_made_up_file_meets_it() -> None:
    """An endpoint that asks for time gets it: its status and Retry-After are the look's."""
    answer = head("429 Too Many Requests", "Retry-After: 600")
    seen = only(looked(lambda *_: answer, path="/i/k7q.jpg", category="abuse", checks=[CHECK])[0])
    assert (seen.status, seen.retry_after_s, seen.link_exists) == (429, 600, None)


def test_a_known_file_must_be_confirmed() -> None:
    """An endpoint that denies everything is unmasked by a file that is known to be there."""
    check = replace(CHECK, known="/i/kn0wn")
    answer = head("404 Not Found")
    facts, asked = looked(lambda *_: answer, path="/i/k7q.jpg", category="abuse", checks=[check])
    assert [target for _, target, _ in asked if "k7q" in target] == []
    assert only(facts).failure == UNTRUSTED
    known = "/exists/kn0wn"
    facts, _ = looked(
        lambda method, target, _: head("204 No Content") if target == known else answer,
        path="/i/k7q.jpg",
        category="abuse",
        checks=[check],
    )
    assert only(facts).link_exists is False


def test_what_is_not_plainly_up_is_looked_at_from_every_vantage() -> None:
    """A server that shuts one vantage out is seen by the other, under the same due time."""

    def blind(method: str, target: str, source: str) -> bytes:
        return head("404 Not Found" if source == "127.0.0.1" else "200 OK")

    facts, _ = looked(blind, category="abuse", vantages=(HERE, ELSEWHERE))
    seen = [fact for fact in facts.facts if isinstance(fact, Observation)]
    assert [(o.vantage, o.network, o.status) for o in seen] == [("here", "one", 404), ("elsewhere", "two", 200)]
    assert len({o.observation_id for o in seen}) == 2
    assert len({o.scheduled_at for o in seen}) == 1


def test_what_is_plainly_up_is_looked_at_once() -> None:
    """The other vantages are not bothered."""
    _, asked = looked(lambda *_: head("200 OK"), category="abuse", vantages=(HERE, ELSEWHERE))
    assert len(asked) == 1


def counted(facts: HostFacts) -> tuple[int, int, float]:
    return len(facts.answered), len(facts.unasked), facts.wait_s


IMPATIENT = Probe(delay_s=0.0, network_delay_s=0.0, timeout_s=1.0, controls=False)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_a_silent_host_is_left_after_three_time_outs(said: bytes) -> None:
    """What was seen is recorded and the rest waits: the pass does not wait a time-out for each of its URLs."""
    facts, asked = looked(lambda *_: said, urls=50, category="abuse", probe=IMPATIENT)
    assert counted(facts) == (3, 47, 60.0)
    assert len(asked) == 3
    assert {one.failure for one in facts.facts if isinstance(one, Observation)} <= {"no_answer", "timeout"}


def test_a_host_that_is_slow_now_and_then_is_checked_to_the_end() -> None:
    """One time-out in fifteen checks, as busy servers have them, leaves no URL out."""
    facts, _ = looked(
        lambda _method, target, _source: b"" if target.endswith(("/7", "/21")) else head("200 OK"),
        urls=30,
        category="abuse",
        probe=IMPATIENT,
    )
    assert counted(facts) == (30, 0, 0.0)


@pytest.mark.parametrize(
    ("status", "fields", "wait_s"),
    [
        ("429 Too Many Requests", ("Retry-After: 7200",), 7200.0),
        ("429 Too Many Requests", ("Retry-After: 0",), 60.0),
        ("429 Too Many Requests", (), 600.0),
        ("503 Service Unavailable", ("Retry-After: 900",), 900.0),
    ],
)
def test_a_server_that_asks_for_a_wait_gets_no_further_request(
    status: str, fields: tuple[str, ...], wait_s: float
) -> None:
    """Neither from another vantage, nor over a fresh connection, nor for the host's other URLs."""

    def answer(method: str, target: str, source: str) -> bytes:
        return head(status, *fields) if target.endswith("/2") else head("200 OK")

    facts, asked = looked(answer, urls=9, category="abuse", vantages=(HERE, ELSEWHERE))
    assert counted(facts) == (3, 6, wait_s)
    fresh = status.startswith("503")  # another URL's late answer may have been taken for it: asked once more
    assert [target for _, target, _ in asked if target.endswith("/2")] == ["/a/page.html/2"] * (1 + fresh)
    assert {source for *_, source in asked} == {"127.0.0.1"}


def test_a_busy_server_that_names_no_time_is_asked_on() -> None:
    """A 503 without Retry-After says nothing about the host's other URLs."""
    facts, _ = looked(lambda *_: head("503 Service Unavailable"), urls=5, category="abuse")
    assert counted(facts) == (5, 0, 0.0)


def test_the_longest_wait_that_any_vantage_heard_counts() -> None:
    """A vantage that sees the URL gone does not hide that another was asked to wait."""

    def answer(method: str, target: str, source: str) -> bytes:
        return head("404 Not Found") if source == "127.0.0.1" else head("429 Too Many", "Retry-After: 1800")

    facts, _ = looked(answer, urls=4, category="abuse", vantages=(HERE, ELSEWHERE))
    assert counted(facts) == (1, 3, 1800.0)


def test_a_control_that_is_refused_ends_the_host_too() -> None:
    """The random path meets the server's limit: no other URL is asked for now."""

    def answer(method: str, target: str, source: str) -> bytes:
        return head("200 OK") if target.startswith("/a/page.html") else head("429 Too Many")

    facts, _ = looked(answer, urls=4)
    assert counted(facts) == (1, 3, 600.0)


def test_a_pass_that_ends_records_what_was_seen() -> None:
    """Once it is stopped no other URL is asked for; those stay due."""
    facts, asked = looked(lambda *_: head("200 OK"), urls=9, category="abuse", ends=lambda: True)
    assert (counted(facts), len(asked)) == ((1, 0, 0.0), 1)


def with_a_body(status: str, *, only: int = 9) -> Answer:
    """A server whose first `only` answers have head and 5 kB of body in one record, to HEAD as well."""
    left = only

    def answer(method: str, target: str, source: str) -> bytes:
        nonlocal left
        left -= 1
        return head(status, body="x" * 5_000, method="GET" if left >= 0 else method)

    return answer


def test_a_head_whose_record_goes_on_is_asked_for_once_more() -> None:
    """TLS has not authenticated it: HEAD is sent once more afresh, and is authenticated then."""
    facts, asked = looked(with_a_body("404 Not Found", only=1), category="abuse", tls=context())
    assert (only(facts).status, only(facts).authenticated, only(facts).tls_trust) == (404, True, "untrusted")
    assert [method for method, *_ in asked] == ["HEAD", "HEAD"]
    facts, asked = looked(with_a_body("404 Not Found"), category="abuse", tls=context())
    assert (only(facts).status, only(facts).authenticated, len(asked)) == (404, False, 2)


def test_a_get_counts_as_authenticated_if_its_head_says_the_same() -> None:
    """A long error page comes in its head's record; the HEAD before it had the same status, whole."""
    seen = only(looked(lambda method, *_: head("404 Not Found", body="x" * 5_000, method=method), tls=context())[0])
    assert (seen.method, seen.status, seen.head_status, seen.authenticated) == ("GET", 404, 404, True)
    refused = only(
        looked(
            lambda method, *_: head("405 No") if method == "HEAD" else head("200 OK", body="x" * 5_000, method=method),
            tls=context(),
        )[0]
    )
    assert (refused.status, refused.head_status, refused.authenticated) == (200, 405, False)


def test_a_page_that_is_read_is_authenticated() -> None:
    """The record that a page ends in is received whole."""

    def page(method: str, *_: str) -> bytes:
        return head("200 OK", "Content-Type: text/html", body="<title>a</title>" + "words " * 20_000, method=method)

    seen = only(looked(page, category="reading", tls=context())[0])
    assert (seen.status, seen.page_bytes, seen.authenticated) == (200, 40_960, True)


def test_a_control_that_tls_did_not_authenticate_tells_nothing() -> None:
    """Whoever forges the answer to a random path could make every page look removed."""

    def answer(method: str, target: str, source: str) -> bytes:
        return head("200 OK", body="x" * 5_000, method=method if target == "/a/page.html" else "GET")

    (control,) = [fact for fact in looked(answer, tls=context())[0].facts if isinstance(fact, ControlLook)]
    assert (control.status, control.failure) == (None, "unauthenticated")


def test_without_tls_nothing_is_authenticated() -> None:
    """Plain HTTP protects nothing, and a check says so."""
    assert only(looked(lies)[0]).authenticated is None
