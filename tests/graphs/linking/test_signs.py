"""From facts to signs: what is seen of a URL, when, and what is no sign of its content."""

from dataclasses import replace
from datetime import timedelta

from tests.graphs.linking.test_links import homes
from tests.graphs.test_hops import hour
from tests.graphs.test_label_hops import target
from tests.judging.test_judge import control, look
from tests.study.facts import report, resolution
from waterbed.graphs.linking.clusters import cluster
from waterbed.graphs.linking.evidence import Role, Sign
from waterbed.graphs.linking.links import find_links
from waterbed.graphs.linking.near_labels import NearLabels
from waterbed.graphs.linking.signs import signs_of
from waterbed.judging.rules import read_rules
from waterbed.judging.walk import Walk
from waterbed.model.conclusions import EvidenceKind
from waterbed.model.facts import ControlLook, Observation, Report, Resolution, Target
from waterbed.store.config import Config
from waterbed.study.facts import Facts
from waterbed.study.look_reader import read_looks


def told(url: str, content: str | None = None, at: float = 1) -> Report:
    return report(url, report_id=f"{url} {at}", content_id=content, reported_at=hour(at), received_at=hour(at + 1))


PLAIN_LOOK = look(
    observed_at=hour(2),
    resolution_id=None,
    profile="text",
    method="GET",
    content_length=500,
    etag_id="etag",
    certificate_id="certificate",
    public_key_id="public key",
    title_id="title",
    page_id="page",
)
URLS = {"u": target("u", "s"), "v": target("v", "t")}
OWN = {("path", "p", ""), ("label", "l", "")}


def signs(
    *looks: Observation,
    targets: dict[str, Target] | None = None,
    reports: tuple[Report, ...] = (),
    resolutions: tuple[Resolution, ...] = (),
    controls: tuple[ControlLook, ...] = (),
    near: tuple[NearLabels, ...] = (),
) -> list[Sign]:
    facts = Facts(
        targets=targets or URLS,
        reports=reports,
        looks=looks,
        resolutions={one.resolution_id: one for one in resolutions},
        controls={one.control_id: one for one in controls},
        canaries=(),
    )
    looks = read_looks(facts, Config(study="0" * 32), Walk(read_rules()))
    return signs_of(facts.targets, facts.reports, looks.signs(alone=True), answered=looks.answered(), near=near)


def of(url: str, found: list[Sign]) -> set[tuple[EvidenceKind, str, Role]]:
    return {(one.kind, one.key, one.role) for one in found if one.url_id == url}


def test_a_look_shows_page_and_server() -> None:
    """Page, title, ETag with length, certificate and public key are signs; path and label always are."""
    assert of("u", signs(PLAIN_LOOK)) == OWN | {
        ("page", "page", ""),
        ("title", "title", ""),
        ("etag", "etag 500", ""),
        ("certificate", "certificate", ""),
        ("public_key", "public key", ""),
    }


def test_what_is_not_the_content_is_no_sign_of_it() -> None:
    """Error pages, pages of a hoster, answers to any path and a CDN's certificate do not count."""
    server = {("certificate", "certificate", ""), ("public_key", "public key", "")}
    assert of("u", signs(replace(PLAIN_LOOK, status=404))) == OWN | server
    assert of("u", signs(replace(PLAIN_LOOK, marks=("suspended",)))) == OWN | server
    cdn = of("u", signs(replace(PLAIN_LOOK, marks=("cdn",))))
    assert not cdn & server
    same = control(observed_at=hour(2), status=200, content_length=500, etag_id="etag")
    assert ("etag", "etag 500", "") not in of("u", signs(replace(PLAIN_LOOK, control_id="c"), controls=(same,)))


def test_redirects_count_where_they_lead_to_what_is_known() -> None:
    """A redirect to a known URL or site is a sign of both; one that adds www is the same URL."""
    seen = replace(PLAIN_LOOK, status=301, redirect="other", redirect_url_id="v", redirect_site_id="t")
    found = signs(seen)
    assert of("u", found) >= {("redirect_url", "v", "from"), ("redirect_site", "t", "from")}
    assert of("v", found) == OWN | {("redirect_url", "v", "to"), ("redirect_site", "t", "to")}
    assert ("same_url", "v", "from") in of("u", signs(replace(seen, redirect="same")))
    unknown = signs(replace(seen, redirect_url_id="nobody", redirect_site_id="nowhere"))
    assert not [one for one in unknown if one.role]


def test_name_servers_are_one_sign_unless_they_park() -> None:
    """The sorted set of name servers is a key; a parking company's is not."""
    answer = resolution("u", "192.0.2.1", resolution_id="r", name_server_ids=("n1", "n2"), name_servers_at=hour(2))
    seen = replace(PLAIN_LOOK, resolution_id="r")
    assert ("name_servers", "n1 n2", "") in of("u", signs(seen, resolutions=(answer,)))
    for tag in ("parking", "seized", "parking_by_name_servers", "seized_by_name_servers"):
        parked = replace(answer, tags=(tag,))
        assert ("name_servers", "n1 n2", "") not in of("u", signs(seen, resolutions=(parked,)))


def test_a_report_is_seen_no_later_than_it_came() -> None:
    """Dates to come, of a report or its verification, do not make its signs last."""
    for ahead in ({"reported_at": hour(900)}, {"verified_at": hour(900)}):
        found = signs(reports=(replace(told("u", "c", at=3), **ahead),))
        assert {one.last for one in found if one.url_id == "u"} == {hour(4)}


def test_times_span_reports_and_looks() -> None:
    """A sign has the first and the last time it was seen; a URL's name is seen by reports too."""
    looks = [replace(PLAIN_LOOK, observed_at=hour(at)) for at in (9, 2, 5)]
    found = {one.kind: one for one in signs(*looks, reports=(told("u", "content", at=1),)) if one.url_id == "u"}
    assert (found["page"].first, found["page"].last) == (hour(2), hour(9))
    assert (found["path"].first, found["path"].last) == (hour(1), hour(9))
    assert found["content_id"].last - found["content_id"].first == timedelta(0)


def test_near_labels_become_signs_of_their_urls() -> None:
    """A near pair is one key: URLs of one label on one side, of the other on the other."""
    targets = {"u": target("u", "s", "l"), "v": target("v", "t", "m")}
    found = signs(targets=targets, near=(NearLabels("l", "m", "edit"),))
    assert ("fuzzy_label", "l m", "from") in of("u", found)
    assert ("fuzzy_label", "l m", "to") in of("v", found)


def test_from_facts_to_a_cluster() -> None:
    """Two URLs with one content id in their reports are one cluster, explained by it."""
    found = signs(reports=(told("u", "content"), told("v", "content", at=7)))
    clusters = cluster(find_links(found, URLS | homes()))
    (link,) = clusters.explain("u", "v") or []
    assert link.evidence[0].kind == "content_id"
    assert link.evidence[0].b_first == hour(7)


def test_a_later_source_joins_no_contents_by_an_id_of_its_own() -> None:
    """The id of the report received first stays: another source's id of two URLs links none that has one."""
    first, other = (told("u", "one"), told("v", "two")), (told("u", "same", 50), told("v", "same", 51))
    kept = {(one.url_id, one.key) for one in signs(reports=(*other, *first)) if one.kind == "content_id"}
    assert kept == {("u", "one"), ("v", "two")}
    alone = {(one.url_id, one.key) for one in signs(reports=(first[0], *other)) if one.kind == "content_id"}
    assert alone == {("u", "one"), ("v", "same")}
