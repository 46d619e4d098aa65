"""The interface: what it answers, to whom, and that it tells nothing else."""

import gzip
import json
import logging
import re
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.attribution.hosters.deciding import coding
from tests.leaks.names import names_of
from tests.leaks.search import Search
from tests.publish.api.calls import campaign
from tests.publish.api.serving import ACCESS, FOR_CASES, FOR_GROUPS, Server, fixed, running, served, until
from tests.publish.study import HOURS, small_study
from tests.study.facts import _canary
from waterbed.model.errors import InputError
from waterbed.publish.api.app import api
from waterbed.publish.api.guard import Access, Key, checksum
from waterbed.publish.api.server import server_of
from waterbed.publish.api.source import Served, Source, served_of, source_of
from waterbed.publish.edition import editions
from waterbed.publish.freeze.freeze import freeze
from waterbed.publish.policy import Publication
from waterbed.publish.release import publish_all
from waterbed.shown.layout import File
from waterbed.store.folder import real_clock
from waterbed.study.formats import records

PATHS = ("/v1", "/v1/tables", "/v1/tables/ranking-asn", "/v1/rankings/asn", "/v1/rankings/asn/AS64500")
SECRET = "secret-name.example"


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = server.get("/openapi.json").told
    return found


def test_every_table_is_answered_as_published(server: Server, publication: Publication) -> None:
    """Each table's rows come under their public names, with the envelope, the terms and the number of rows."""
    whole = server.get("/v1", FOR_GROUPS).told
    assert set(whole["tables"]) | set(whole["cases"]) == {table.name for table in publication.tables}
    for table in publication.tables:
        room = "cases" if table.case_level else "tables"
        told = server.get(f"/v1/{room}/{table.name}?limit=1000", FOR_CASES).told
        assert told["rows"] == json.loads(json.dumps(records(table.cls, table.rows)))
        assert told["total"] == len(table.rows)
        assert told["terms"]["licence"] == "CC-BY-4.0"
        assert (told["what"], told["left_out"]) == (table.envelope.what, table.envelope.left_out)


def test_answers_fit_the_document_and_its_examples_do(server: Server, document: dict[str, Any]) -> None:
    """Answers and examples are valid by the schemas that the document names for them."""
    import jsonschema

    for name, schema in document["components"]["schemas"].items():
        for one in schema.get("examples", ()):
            jsonschema.validate(one, schema, format_checker=jsonschema.FormatChecker())
        assert "examples" in schema or name == "Problem"
    paths = {"/v1/cases": "/v1/cases", "/v1/cases/{name}": "/v1/cases/hops", "/health": "/health"}
    named = dict(zip(("/v1", "/v1/tables", "/v1/tables/{name}", "/v1/rankings/{by}"), PATHS, strict=False))
    for template, path in {**paths, **named, "/v1/rankings/{by}/{key}": PATHS[-1]}.items():
        schema = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(server.get(path, FOR_CASES).told, {**schema, "components": document["components"]})


def test_pages_follow_one_another(server: Server) -> None:
    """Following the links named next from the first page gives each row once, and the last page names no next."""
    whole = server.get("/v1/cases/episodes", FOR_CASES).told["rows"]
    path, rows, pages = "/v1/cases/episodes?limit=7", [], 0
    while path:
        got = server.get(path, FOR_CASES)
        rows += got.told["rows"]
        pages += 1
        found = re.search(r'<(\?[^>]*)>; rel="next"', got.headers["link"])
        path = f"/v1/cases/episodes{found[1]}" if found else ""
    assert rows == whole
    assert pages == -(-len(whole) // 7)
    assert 'rel="prev"' in got.headers["link"]
    assert server.get("/v1/cases/episodes?offset=999", FOR_CASES).told["rows"] == []


def test_rows_are_found_by_key(server: Server) -> None:
    """A key leaves the rows about it, on either side of a flow; a row of a ranking has an address of its own."""
    row = server.get("/v1/rankings/asn/AS64500", FOR_GROUPS).told["row"]
    assert row == server.get("/v1/rankings/asn?key=AS64500", FOR_GROUPS).told["rows"][0]
    flows = server.get("/v1/tables/flow-shares-asn", FOR_GROUPS).told["rows"]
    about = [one for one in flows if "AS64501" in (one["from_key"], one["to_key"])]
    assert about
    assert server.get("/v1/tables/flow-shares-asn?key=AS64501", FOR_GROUPS).told["rows"] == about
    first = server.get("/v1/cases/episodes", FOR_CASES).told["rows"][0]
    found = server.get(f"/v1/cases/episodes?key={first['url_id']}", FOR_CASES).told
    assert first in found["rows"]
    assert found["total"] < 26


@pytest.mark.parametrize("path", [*PATHS, "/v1/cases/hops", "/openapi.json", "/docs", "/health"])
def test_who_has_an_answer_gets_304(server: Server, path: str) -> None:
    """The entity tag is the answer's checksum, and an asker who names it gets 304 without content."""
    first = server.get(path, FOR_CASES)
    assert first.status == 200
    assert first.headers["etag"] == f'"{sha256(first.content).hexdigest()}"'
    again = server.get(path, FOR_CASES, If_None_Match=f'"other", W/{first.headers["etag"]}')
    assert (again.status, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert server.get(path, FOR_CASES, If_None_Match='"other"').status == 200


@pytest.mark.parametrize(
    "path", ["/v1/tables/ranking-asn", "/v1/tables/ranking-asn?limit=1000", "/docs", "/openapi.json"]
)
def test_answers_are_compressed_for_who_takes_that(server: Server, path: str) -> None:
    """Gzip holds the same bytes under an entity tag of its own, which gets 304; a weight of zero refuses it."""
    plain = server.get(path, FOR_GROUPS)
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Authorization, Accept-Encoding"
    for accepted in ("gzip", "br, GZIP;q=0.5", "*", "x-gzip"):
        packed = server.get(path, FOR_GROUPS, Accept_Encoding=accepted)
        assert (packed.headers["content-encoding"], gzip.decompress(packed.content)) == ("gzip", plain.content)
        assert len(packed.content) < len(plain.content)
        assert packed.headers["etag"] == f'{plain.headers["etag"][:-1]}-gzip"'
        again = server.get(path, FOR_GROUPS, Accept_Encoding=accepted, If_None_Match=packed.headers["etag"])
        assert (again.status, again.content, again.headers["etag"]) == (304, b"", packed.headers["etag"])
    for refused in ("identity", "gzip;q=0", "gzip; q=0.000, *", "br", ""):
        assert server.get(path, FOR_GROUPS, Accept_Encoding=refused).content == plain.content
    assert server.get("/health", Accept_Encoding="gzip").told["status"] == "ok"  # too short to gain by it


def test_keys_open_their_scopes_alone(server: Server) -> None:
    """Without a key 401, with a wrong one 401, with one for groups no cases; health and description are open."""
    for path in (*PATHS, "/v1/cases", "/v1/cases/hops"):
        for key in (None, "wrong", f"{FOR_CASES} "[:-2]):
            got = server.get(path, key)
            assert (got.status, got.headers["www-authenticate"]) == (401, "Bearer"), path
        assert server.get(path, FOR_CASES).status == 200
        assert server.get(path, FOR_GROUPS).status == (403 if "cases" in path else 200)
    assert server.get("/v1/tables/hops", FOR_CASES).status == 404
    assert server.get("/v1", FOR_GROUPS).headers["cache-control"] == "private, max-age=3600"
    assert server.get("/v1/cases", FOR_CASES).headers["cache-control"] == "private, no-cache"


def test_groups_may_be_open_to_all(publication: Publication) -> None:
    """Where the keys file says so, groups need no key and may be kept by caches; cases still need one."""
    with served(fixed(publication), Access(open=True, a_minute=1000, keys=ACCESS.keys)) as running:
        got = running.get("/v1/tables/flows")
        assert (got.status, got.headers["cache-control"]) == (200, "public, max-age=3600")
        assert running.get("/v1/cases").status == 401
        assert running.get("/v1/tables/flows", "wrong").status == 401
        assert {} in running.get("/openapi.json").told["paths"]["/v1"]["get"]["security"]


def test_each_key_and_address_has_its_rate(publication: Publication) -> None:
    """One request too many is refused with the seconds to wait; another key is not held up by it."""
    access = Access(
        open=True,
        a_minute=2,
        keys=(
            Key(name="one", sha256=checksum("one"), a_minute=3),
            Key(name="two", sha256=checksum("two"), a_minute=3),
        ),
    )
    with served(fixed(publication), access) as running:
        assert [running.get("/v1").status for _ in range(3)] == [200, 200, 429]
        assert [running.get("/v1", "one").status for _ in range(4)] == [200, 200, 200, 429]
        assert running.get("/v1", "wrong").status == 429
        assert running.get("/v1", "two").status == 200
        assert 1 <= int(running.get("/v1").headers["retry-after"]) <= 60
        assert running.get("/health").status == 200


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        (f"/http://{SECRET}/", "GET", 404),
        (f"/v1/tables/{SECRET}", "GET", 404),
        (f"/v1/tables/flows?{SECRET}=1", "GET", 422),
        (f"/v1/tables/flows?offset={SECRET}", "GET", 422),
        ("/v1/tables/flows?limit=1_0", "GET", 422),
        ("/v1/tables/flows?limit=1.0", "GET", 422),
        (f"/v1?{SECRET}=1", "GET", 422),
        (f"/v1/tables?{SECRET}=1", "GET", 422),
        ("/v1/rankings/asn/AS64500?limit=1", "GET", 422),
        (f"/v1/tables/flows?key={SECRET}&key=NL", "GET", 422),
        (f"/v1/rankings/asn/{SECRET}?url={SECRET}", "GET", 404),
        (f"/v1/?{SECRET}", "GET", 404),
        (f"/v1/tables/flows?{SECRET}", "DELETE", 405),
        (f"/v1/tables/flows?key={SECRET}", "GET", 200),
        (f"/v1/cases/hops?key={SECRET}", "GET", 403),
    ],
)
def test_no_answer_and_no_log_line_repeats_the_request(
    server: Server, caplog: pytest.LogCaptureFixture, path: str, method: str, status: int
) -> None:
    """What was asked for is in no header, no problem and no log line, which tell the route's pattern and the status."""
    with caplog.at_level(logging.DEBUG):
        got = server.get(path, FOR_GROUPS, method=method, Referer=f"http://{SECRET}/")
        assert got.status == status
        # The line is written after the answer: it is waited for while lines of its level are kept.
        until(lambda: any(f" {status} " in record.getMessage() for record in caplog.records))
    assert SECRET not in f"{got.headers} {got.content!r} {caplog.text}"
    if status != 200:
        assert got.headers["content-type"] == "application/problem+json"
        assert got.told["status"] == status


def test_every_answer_has_the_security_headers(server: Server) -> None:
    """Nothing may be framed, sniffed or sent on as referrer, and the page may load its own style alone."""
    for path in ("/v1", "/nothing", "/docs", "/health"):
        headers = server.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers
    page = server.get("/docs")
    style = re.search(rb"<style>(.*?)</style>", page.content, re.S)
    assert style
    assert b"<script" not in page.content
    assert not re.findall(rb'(?:src|href)="(?!#|openapi\.json|data:,)', page.content)


def test_the_document_tells_what_each_request_may_meet(document: dict[str, Any]) -> None:
    """Requests of doubtful form or host, and those before the first edition, are problems of every path."""
    for path, methods in document["paths"].items():
        found = methods["get"]["responses"]
        assert {"400", "421", "503"} <= set(found)
        assert "Retry-After" in found["503"]["headers"]
        assert list(found["503"]["content"]) == ["text/html" if path == "/docs" else "application/problem+json"]


def test_the_page_shows_every_request_and_field(server: Server, document: dict[str, Any]) -> None:
    """The page for people names each path, parameter and schema of the document."""
    text = server.get("/docs").content.decode()
    assert not [path for path in document["paths"] if path not in text]
    assert not [name for name in document["components"]["schemas"] if f'id="{name}"' not in text]
    assert "removed_24h" in text


@pytest.mark.long
def test_schemathesis_finds_nothing(server: Server, tmp_path: Path) -> None:
    """Calls made from the document, right and wrong ones, are all answered as it says; `make prove` makes more."""
    called = campaign(server.url, FOR_CASES, tmp_path, examples=4, seed=7)
    assert called.ok, called.told
    assert called.calls >= 100


@pytest.mark.long
def test_schemathesis_would_find_a_wrong_answer(publication: Publication, tmp_path: Path) -> None:
    """An answer that lacks what the document promises is found."""
    broken = replace(publication, policy=replace(publication.policy, publisher=7))  # type: ignore[arg-type]
    with served(fixed(broken)) as running:
        called = campaign(running.url, FOR_CASES, tmp_path, examples=1, seed=7)
    assert not called.ok
    assert "publisher" in called.told


def test_changed_facts_change_the_answers(publication: Publication) -> None:
    """Answers are made anew when the mark changes, and only then; a failure leaves the old ones and is told."""
    mark, made, broken = ["one"], [], []

    def read() -> Served:
        made.append(mark[0])
        return Served(
            publication=replace(publication, title=mark[0]),
            site={"index.html": File(content=mark[0].encode(), media="text/html")},
        )

    def marked() -> str:
        if broken:
            raise OSError(SECRET)
        return mark[0]

    with served(Source(read=read, mark=marked), every_s=0.02) as running:
        before = running.get("/v1", FOR_GROUPS)
        mark[0] = "two"
        until(lambda: running.get("/v1", FOR_GROUPS).told["title"] == "two")
        assert running.get("/", FOR_GROUPS).content == b"two"
        assert running.get("/v1", FOR_GROUPS, If_None_Match=before.headers["etag"]).status == 200
        assert running.get("/health").told["status"] == "ok"
        broken.append(True)
        until(lambda: running.get("/health").told["status"] == "stale")
        assert running.get("/v1", FOR_GROUPS).told["title"] == "two"
    assert made == ["one", "two"]


def test_until_the_first_edition_is_made_each_answer_says_so(publication: Publication) -> None:
    """A server answers at once: 503, a problem for tools and a page for people; then what was made."""
    may = Event()

    def read() -> Served:
        assert may.wait(60)
        return Served(publication=publication, site={})

    source = Source(read=read, mark=lambda: "the same")
    with running(server_of(api(source, ACCESS))) as asked:
        for path in ("/", "/v1", "/health", "/docs", "/assets/style.css", "/v1/tables/ranking-asn"):
            told = asked.get(path)
            assert (told.status, told.headers["retry-after"], told.headers["cache-control"]) == (503, "10", "no-store")
            assert b"first edition is being made" in told.content
        assert asked.get("/").headers["content-type"] == "text/html; charset=utf-8"
        assert asked.get("/v1").headers["content-type"] == "application/problem+json"
        assert asked.get("/", method="HEAD").content == b""
        may.set()
        until(lambda: asked.get("/health").status == 200)
        assert asked.get("/v1", FOR_GROUPS).told["title"] == publication.title


def test_a_first_edition_that_cannot_be_made_is_told(publication: Publication) -> None:
    """Whoever starts the server hears why there is nothing to serve; a study that is not there, at once."""
    failures: list[BaseException] = []

    def read() -> Served:
        raise InputError("hosters may still reply")

    source = Source(read=read, mark=lambda: "the same")
    with running(server_of(api(source, ACCESS, failed=failures.append))) as asked:
        until(lambda: bool(failures))
        assert asked.get("/health").status == 503
    assert [str(one) for one in failures] == ["hosters may still reply"]
    with pytest.raises(InputError):
        api(source_of(Path("nowhere")), ACCESS)


def test_planted_names_are_in_no_answer(tmp_path: Path) -> None:
    """Names of hosts that the study holds are in no answer of any path; in a text they would be found."""
    hosts = [f"hidden-{n:02}.planted-name.com" for n in range(3)]
    out = tmp_path / "answers"
    out.mkdir()
    with small_study(tmp_path, cases=True, addresses=True, least=1) as study:
        lines = "".join(f"http://{host}/x,2026-01-05T00:00:00Z,one\n" for host in hosts)
        (tmp_path / "reports.csv").write_text(f"url,reported_at,source\n{lines}")
        assert study.import_reports(tmp_path / "reports.csv").imported == 3
        with served(source_of(tmp_path / "study")) as running:
            whole = running.get("/v1", FOR_CASES).told
            paths = [*PATHS, "/v1/cases", "/docs", "/openapi.json", "/health", "/"]
            paths += [f"/{path}" for path in served_of(study).site]
            paths += [f"/v1/{room}/{name}" for room in ("tables", "cases") for name in whole[room]]
            for number, path in enumerate(paths):
                got = running.get(path, FOR_CASES)
                assert got.status == 200, path
                (out / f"{number}.txt").write_bytes(f"{got.headers}\n".encode() + got.content)
    search = Search(names_of(hosts))
    assert search.over([out]).hits == []
    (out / "planted.txt").write_text(f"see {hosts[0]} there")
    assert {Path(hit.where).name for hit in search.over([out]).hits} == {"planted.txt"}


def test_new_facts_are_told_from_day_to_day(tmp_path: Path) -> None:
    """The mark of a study changes with decisions and settings at once, with new facts the next day, as an edition."""
    with small_study(tmp_path) as study:
        source = source_of(tmp_path / "study")
        marks = [source.mark(), source.mark()]
        study.folder.store.add([_canary(HOURS, True)])
        marks.append(source.mark())
        study.folder.store.add([coding(1, 1, "ann", "merge")])
        marks.append(source.mark())
        settings = tmp_path / "study" / "waterbed.toml"
        settings.write_text(settings.read_text().replace("a small study", "another name"))
        marks.append(source.mark())
        assert source.read().publication.title == "another name"
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("waterbed.publish.api.source.real_clock", lambda: real_clock() + timedelta(days=1))
            marks.append(source.mark())
    assert [marks.index(mark) for mark in marks] == [0, 0, 0, 3, 4, 5]


def test_what_hides_nothing_is_told_at_once(tmp_path: Path) -> None:
    """Where rows about one site may be published, no minute's growth is worth hiding."""
    with small_study(tmp_path, least=1) as study:
        mark = source_of(tmp_path / "study").mark()
        study.folder.store.add([_canary(HOURS, True)])
        assert source_of(tmp_path / "study").mark() != mark


def test_what_leaves_by_any_way_is_on_record(tmp_path: Path) -> None:
    """A server's answers, a publication and a package are editions: the next of any kind tells nothing of them."""
    with small_study(tmp_path) as study:
        source_of(tmp_path / "study").read()
        served = editions(study.folder)
        assert len(served) == 1
        publish_all(study, tmp_path / "out")
        freeze(study, tmp_path / "package")
        assert editions(study.folder) == served * 3
        assert len(json.loads((tmp_path / "package" / "data" / "editions.json").read_text())) == 2
