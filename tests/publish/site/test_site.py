"""The site of a study: the same bytes as files and from a server, for whom it is meant, and nothing held back."""

import gzip
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tests.publish.api.serving import ACCESS, FOR_CASES, FOR_GROUPS, Server, fixed
from tests.publish.api.serving import served as serving
from tests.publish.site.views import SHEETS, frame, weekly
from tests.publish.site.views import sheet as sheet_view
from tests.publish.study import small_study
from tests.study.facts import _canary, hour
from waterbed.model.conclusions import Quarantine, QuarantineKind
from waterbed.model.spelling import NOTHING
from waterbed.publish.api.guard import Access
from waterbed.publish.api.source import served_of
from waterbed.publish.build_publication import publication_of
from waterbed.publish.policy import Publication
from waterbed.publish.release import publish_all
from waterbed.publish.site.build import start_words
from waterbed.publish.site.hoster import SheetView, sheet_page
from waterbed.publish.site.hoster_views import sheet_views
from waterbed.publish.site.quality import held_in_words
from waterbed.shown.layout import HTML, Site, make_site
from waterbed.shown.rankings import RankingEntry


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what a small study publishes, in `out`."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def site(folder: Path) -> Site:
    """Its pages, as they are served."""
    with small_study(folder) as study:
        publish_all(study, folder / "out")
        return served_of(study).site


@pytest.fixture(scope="module")
def publication(folder: Path) -> Publication:
    """What may be published of it."""
    with small_study(folder / "again") as study:
        return served_of(study).publication


@pytest.fixture(scope="module")
def server(publication: Publication, site: Site) -> Iterator[Server]:
    """A server of these pages that wants keys."""
    with serving(fixed(publication, site)) as running:
        yield running


def basic(password: str, user: str = "anybody") -> str:
    """The header of HTTP Basic."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def test_files_and_answers_are_the_same_bytes(folder: Path, site: Site, server: Server) -> None:
    """Each file that `publish` writes, and no other, is answered at its path; / is the first page."""
    written = {str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*") if path.is_file()}
    assert set(site) == written
    assert {"index.html", "ranking-hoster.csv", "flows.parquet", "stix.json", "misp/manifest.json"} <= written
    for path, file in site.items():
        got = server.get(f"/{path}", FOR_GROUPS)
        assert (got.status, got.headers["content-type"]) == (200, file.media), path
        assert got.content == file.content == (folder / "out" / path).read_bytes(), path
    assert server.get("/", FOR_GROUPS).content == site["index.html"].content


def test_answers_are_compressed_and_heads_are_answered(site: Site, server: Server) -> None:
    """Who takes gzip gets text compressed, the same bytes within; HEAD gets the headers of GET and no content."""
    for path in ("index.html", "ranking-hoster.csv", "ranking-hoster.json", "assets/style.css", "flows.parquet"):
        plain, packed = server.get(f"/{path}", FOR_GROUPS), server.get(f"/{path}", FOR_GROUPS, Accept_Encoding="gzip")
        told = packed.headers.get("content-encoding")
        assert (told == "gzip") == (len(site[path].content) >= 1000 and not path.endswith(".parquet")), path
        assert (gzip.decompress(packed.content) if told else packed.content) == plain.content
        assert not told or len(packed.content) < len(plain.content) / 2
        for asked, got in (({}, plain), ({"Accept_Encoding": "gzip"}, packed)):
            head = server.get(f"/{path}", FOR_GROUPS, method="HEAD", **asked)
            assert (head.status, head.content) == (200, b"")
            assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


def test_files_of_single_cases_need_their_scope(tmp_path: Path) -> None:
    """Episodes, hops and addresses are answered to keys for cases alone, even where aggregates are open to all."""
    with small_study(tmp_path, cases=True, addresses=True) as study:
        served = served_of(study)
        single = [path for path, file in served.site.items() if file.cases]
    names = {"episodes", "hops"}
    assert set(single) == {"intelmq-addresses.jsonl"} | {
        f"{name}.{end}" for name in names for end in ("csv", "json", "parquet", "schema.json")
    }
    with serving(fixed(served.publication, served.site), Access(open=True, a_minute=1000, keys=ACCESS.keys)) as running:
        for path in single:
            got = [running.get(f"/{path}", key) for key in (None, FOR_GROUPS, FOR_CASES)]
            assert [one.status for one in got] == [401, 403, 200], path
            assert got[2].headers["cache-control"] == "private, no-cache"
        assert running.get("/flows.csv").status == 200


def test_a_browser_gives_the_key_as_password(server: Server) -> None:
    """Without a key the browser is asked for one; the key as password opens pages under any name, and no other does."""
    for path in ("/", "/ranking.html", "/nothing.html"):
        got = server.get(path)
        assert (got.status, got.headers["www-authenticate"]) == (401, 'Basic realm="Waterbed", charset="UTF-8"')
    assert server.get("/ranking.html", Authorization=basic(FOR_GROUPS)).status == 200
    assert server.get("/ranking.html", Authorization=basic(FOR_CASES, "somebody else")).status == 200
    assert server.get("/nothing.html", Authorization=basic(FOR_GROUPS)).status == 404
    for wrong in (basic("wrong"), basic(""), f"Basic {FOR_GROUPS}", "Basic", "Basic \xff", "Digest x", "Bearer wrong"):
        assert server.get("/ranking.html", Authorization=wrong).status == 401, wrong
    assert server.get("/v1", Authorization=basic(FOR_GROUPS)).status == 401


def test_assets_need_no_key_and_pages_do(server: Server, site: Site) -> None:
    """Style and scripts tell nothing of a study; every page and its data need the scope of aggregates."""
    for path in site:
        assert server.get(f"/{path}").status == (200 if path.startswith("assets/") else 401), path
    assert server.get("/assets/nothing.js").status == 404


def test_pages_may_be_open_to_all(folder: Path, site: Site) -> None:
    """Where the keys file says so pages need no key and may be kept by caches; a wrong password is still refused."""
    with small_study(folder / "open") as study:
        publication = served_of(study).publication
    with serving(fixed(publication, site), Access(open=True, a_minute=1000, keys=ACCESS.keys)) as running:
        got = running.get("/ranking.html")
        assert (got.status, got.headers["cache-control"]) == (200, "public, max-age=3600")
        assert running.get("/ranking.html", Authorization=basic("wrong")).status == 401


def test_who_has_a_page_gets_304(server: Server) -> None:
    """The entity tag is the page's checksum; a key's answer may be kept by the asker alone."""
    for path in ("/", "/hosters/AS64500.html", "/assets/style.css"):
        first = server.get(path, FOR_GROUPS)
        assert first.headers["etag"] == f'"{sha256(first.content).hexdigest()}"'
        again = server.get(path, FOR_GROUPS, If_None_Match=first.headers["etag"])
        assert (again.status, again.content) == (304, b"")
    assert server.get("/", FOR_GROUPS).headers["cache-control"] == "private, max-age=3600"


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/hosters", "/hosters/", "/hosters/AS64502.html", "/../index.html", "/index.html/", "//index.html",
     "/hosters/..%2Findex.html", "/assets/..%2Findex.html", "/ranking.html%00", "/RANKING.HTML"],
)  # fmt: skip
def test_what_is_no_page_is_not_found(server: Server, path: str) -> None:
    """No path outside the mapping is answered, and the problem repeats nothing of it."""
    got = server.get(path, FOR_GROUPS)
    assert (got.status, got.headers["content-type"]) == (404, "application/problem+json")
    assert "hosters" not in got.content.decode()


def test_served_pages_are_under_a_policy(server: Server) -> None:
    """The header lets in what the server itself has, no file of a disk, and lets nobody frame a page."""
    policy = server.get("/", FOR_GROUPS).headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def test_pages_name_no_case(site: Site) -> None:
    """No id of a URL, host, site or content is on any page, allowed or not."""
    for path, file in site.items():
        if file.media == HTML:
            assert not re.search(r"\b[abc]\d\d\b|content\d|28\.\d+\.\d+\.7", file.content.decode()), path


def test_a_sheet_tells_of_notices_and_flows(site: Site) -> None:
    """The small study's hosters have their compliance and their flows; what is too small is nowhere."""
    first, second = (site[f"hosters/AS6450{n}.html"].content.decode() for n in (0, 1))
    assert "Removed after the notice was delivered" in first
    assert "2026-W02" in first
    assert "No notices to this hoster" in second
    assert 'href="../hosters/AS64501.html"' in first
    assert "AS64502" not in first + second


def test_failures_of_our_own_network_are_told(tmp_path: Path) -> None:
    """A day with a failed canary look is on the page, with how many of how many failed."""
    with small_study(tmp_path) as study:
        study.folder.store.add([replace(_canary(99, False), canary_id="failed")])
        page = served_of(study).site["quality.html"].content.decode()
    assert re.search(r"Days with failed canary checks.*2026-01-09.*<td class=\"n strong\">1</td>", page, re.S)


@pytest.mark.parametrize(
    ("kind", "scope", "what", "figures"),
    [
        ("canary", "here", "our own network at here", "fewer than 3 of 12 sites went down"),
        ("all", "", "everything at once", "fewer than 3 of 12 sites went down"),
        ("hoster", "AS64500", "Hoster a", "fewer than 3 of 12 sites went down"),
        ("hoster", "AS64502", "a hoster that is not shown", "withheld"),
        ("prefix", "28.0.0.0/16", "a network", "withheld"),
        ("feed", "second", "delivery of second", "fewer than 3 reports came of usually 12"),
        ("feed", "police-unit-7", "delivery of a source that is not shown", "withheld"),
    ],
)
def test_what_is_not_believed_names_and_counts_nothing_held_back(
    publication: Publication, kind: QuarantineKind, scope: str, what: str, figures: str
) -> None:
    """A quarantine of a hoster, network or source that is held back has no name and no count; small counts are none."""
    one = Quarantine(
        quarantine_id="q", kind=kind, scope=scope, began_at=hour(0), ended_at=hour(1), looked=12, flipped=2,
        usual=0.1, status="open", reason="because of 28.0.0.7",
    )  # fmt: skip
    told = held_in_words(one, publication)
    assert (told.what, told.figures, told.status) == (what, figures, "open")
    open_ = replace(publication, policy=replace(publication.policy, addresses=True))
    assert held_in_words(one, open_).what.endswith("28.0.0.0/16") == (kind == "prefix")


def test_a_sheet_goes_when_its_hoster_is_held_back(tmp_path: Path) -> None:
    """Publishing again with a higher bound removes the sheets of hosters that are too small now."""
    sheet = tmp_path / "out" / "hosters" / "AS64502.html"
    with small_study(tmp_path / "one", least=1) as study:
        publish_all(study, tmp_path / "out")
    assert sheet.is_file()
    with small_study(tmp_path / "two") as study:
        publish_all(study, tmp_path / "out")
    assert not sheet.exists()


def test_no_place_and_no_norm_stands_beside_a_share_of_another_clock(tmp_path: Path) -> None:
    """Places and the norm run from the report: pages of shares from the notice name their clock, and have neither."""
    start = start_words("notice_delivered")
    for clock, placed in (("reported", True), ("notice_delivered", False)):
        with small_study(tmp_path / clock, clock=clock) as study:
            publish_all(study, tmp_path / clock / "out")
        pages = {path.name: path.read_text() for path in (tmp_path / clock / "out").rglob("*.html")}
        first, ranked, letter, sheet = (pages[f"{name}.html"] for name in ("index", "ranking", "letter", "AS64500"))
        assert ("Surely below the norm." in ranked, "Probability, at least, to be" in ranked) == (placed, placed)
        assert ("are of shares from the report" in ranked) is not placed
        assert ("surely removed less than" in first, "Place by speed" in first) == (placed, placed)
        assert ("95% interval lies above" in letter, "place by speed of 2" in sheet) == (placed, placed)
        assert ("only where a share runs from the report" in sheet) is not placed
    weeks = make_site(frame(), [sheet_page(sheet_view(), SHEETS, start)])["hosters/k1.html"].content.decode()
    assert f"Removed within 24 hours of {start}, by week of the report" in weeks


def test_weeks_without_an_interval_say_why() -> None:
    """A week of notices has a share and no ends: its class stands in their place, and no figure claims a band."""

    def shown(view: SheetView) -> str:
        return make_site(frame(), [sheet_page(view, SHEETS, "the report")])["hosters/k1.html"].content.decode()

    told = weekly()
    bare = {"removed_low": None, "removed_high": None, "rank_class": "too few days"}
    short = replace(
        told, whole=[replace(one, **bare) for one in told.whole], weeks=[replace(one, **bare) for one in told.weeks]
    )
    claim = "the band and the upright line are its 95% interval"
    with_ends, without = shown(sheet_view(weekly=told)), shown(sheet_view(weekly=short))
    assert (claim in with_ends, claim in without) == (True, False)
    assert f"{NOTHING} to {NOTHING}" not in without
    assert without.count('<td class="n">too few days</td>') == len(told.whole) + len(told.weeks)


def test_a_sheet_gives_no_curve_where_the_share_is_withheld(tmp_path: Path) -> None:
    """Neither curve nor shares nor mean stay stand where the ranking says that its share would say nothing."""
    with small_study(tmp_path) as study:
        conclusions = study.conclude()
        publication = publication_of(study, conclusions)
        for rank_class, told in (("ranked", True), ("unmeasurable", False), ("views differ", False)):
            rows = [replace(row, rank_class=rank_class) for row in publication.table("ranking-hoster").rows[:1]]
            standings = [RankingEntry(row=row) for row in rows]
            (view,) = sheet_views(study, conclusions, publication, standings)
            given = (view.curves is not None, bool(view.shares), view.duration is not None)
            assert given == (told, told, told), rank_class
