"""An import: what is counted, what is on record as delivered."""

import gzip
from pathlib import Path

import pytest

from tests.store.study_folder import made, report, url
from waterbed.governance.keys import forget
from waterbed.intake.batches import Batches
from waterbed.intake.csv_reports import read_csv_reports
from waterbed.intake.importer import ImportReport, import_reports
from waterbed.intake.reports import Defaults
from waterbed.measures.incidents import complaints, incidents
from waterbed.model.bookkeeping import Delivery, Due, Forgotten, Run, RunEnd, Sealed
from waterbed.model.errors import InputError
from waterbed.model.facts import Report, Target
from waterbed.store.folder import Folder
from waterbed.study.study import open_study

HEADER = "url,source,reported_at\n"


def imported(folder: Folder, path: Path, content: bytes) -> ImportReport:
    """Import a file's bytes."""
    path.write_bytes(content)
    defaults = Defaults(source="usual", category="phishing")
    return import_reports(folder, Batches(read_csv_reports(path), lambda: folder.vault, defaults), defaults)


def deliveries(folder: Folder) -> list[tuple[str, int, int, int]]:
    """Source, reports, new ones and rejected lines of each delivery, in order."""
    rows = folder.store.all(Delivery, order=("received_at", "source"))
    return [(row.source, row.reports, row.new, row.rejected) for row in rows]


def test_each_source_of_an_import_is_a_delivery(store_url: str, tmp_path: Path) -> None:
    """Reports, new ones and rejected lines by source; known ones count as delivered; it names its import run."""
    folder = made(tmp_path / "s", store=store_url)
    lines = "http://a.example.com/,one,\nhttp://b.example.com/,,\nhttp://c.example.com/,one,\nnonsense,one,\n"
    found = imported(folder, tmp_path / "r.csv", (HEADER + lines).encode())
    assert (found.imported, found.known, len(found.rejected), found.empty) == (3, 0, 1, False)
    assert deliveries(folder) == [("one", 2, 2, 0), ("usual", 1, 1, 1)]
    again = imported(folder, tmp_path / "r.csv", (HEADER + lines + "http://d.example.com/,one,\n").encode())
    assert (again.imported, again.known) == (1, 3)
    assert deliveries(folder)[2:] == [("one", 3, 1, 0), ("usual", 1, 0, 1)]
    runs = {run.run_id for run in folder.store.all(Run) if run.kind == "import"}
    assert {row.run_id for row in folder.store.all(Delivery)} == runs
    assert [end.outcome for end in folder.store.all(RunEnd)] == ["finished"] * 2
    folder.close()


def test_what_has_no_address_is_counted_and_never_due(store_url: str, tmp_path: Path) -> None:
    """Hidden services, chats and live streams are reports like others, and nothing is ever asked about them."""
    folder = made(tmp_path / "s", store=store_url)
    path = tmp_path / "r.csv"
    path.write_text(
        "url,site_type,content_id\n"
        "http://abc.onion/,forum,7\n"
        "https://t.me/+abc,,\n"
        "http://cam.example.com/,Live,\n"
        "http://page.example.com/,forum,7\n"
    )
    defaults = Defaults(source="usual", category="phishing", live=("live",))
    import_reports(folder, Batches(read_csv_reports(path), lambda: folder.vault, defaults), defaults)
    reports = folder.store.all(Report)
    assert sorted(one.medium for one in reports) == ["chat", "live", "tor", "web"]
    (web,) = (one for one in reports if one.medium == "web")
    assert [one.url_id for one in folder.store.all(Due)] == [web.url_id]
    assert [one.content_id for one in reports if one.medium == "tor"] == [web.content_id]
    folder.close()


def test_a_page_is_measured_beside_what_it_shows(store_url: str, tmp_path: Path) -> None:
    """Page and image are looked at each by itself and are one incident; where the reporter came from is sealed."""
    folder = made(tmp_path / "s", store=store_url)
    path = tmp_path / "r.csv"
    path.write_text(
        "url,content_id,parent,referer,reported_at\n"
        "http://img.example.com/a.jpg,7,http://forum.example.org/1,http://search.example.net/,2026-01-05\n"
        "http://img.other.example/b.jpg,8,http://forum.example.org/1,,2026-01-05\n"
        "http://alone.example/c.jpg,9,nowhere,,2026-01-05\n"
        "http://self.example/d.jpg,,http://self.example/d.jpg,a friend,2026-01-05\n"
    )
    found = imported(folder, path, path.read_bytes())
    assert (found.imported, found.known, [one.line for one in found.rejected]) == (3, 0, [4])
    reports, targets = folder.store.all(Report), {one.url_id: one for one in folder.store.all(Target)}
    page = next(one for one in reports if one.url_id in {other.parent_id for other in reports})
    assert (len(reports), page.content_id, page.parent_id) == (4, None, None)
    assert {one.url_id for one in folder.store.all(Due)} == set(targets)
    assert len(incidents(complaints(reports, targets))) == 2
    (referer,) = {one.referer_id for one in reports} - {None}
    assert referer not in targets
    assert referer in {one.entry_id for one in folder.store.all(Sealed)}
    again = imported(folder, path, path.read_bytes())
    assert (again.imported, again.known) == (0, 3)
    folder.close()


def test_content_behind_gateways_is_one_whoever_reports_it(store_url: str, tmp_path: Path) -> None:
    """Two sources report one content at two gateways: one content id, unless the reporter gives its own."""
    folder = made(tmp_path / "s", store=store_url)
    path, cid = tmp_path / "r.csv", "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
    path.write_text(
        "url,source,content_id\n"
        f"https://one.example/ipfs/{cid}/x,one,\n"
        f"https://{cid}.ipfs.two.example/x,two,\n"
        f"https://three.example/ipfs/{cid}/x,three,7\n"
    )
    imported(folder, path, path.read_bytes())
    told = {one.source: one.content_id for one in folder.store.all(Report)}
    assert told["one"] == told["two"] != told["three"]
    folder.close()


def test_a_file_of_a_hotline_that_is_read_again_makes_its_urls_strict(tmp_path: Path) -> None:
    """What adds nothing to earlier reports still says that content is of abuse: HEAD alone from then on."""
    path = tmp_path / "closed.csv"
    path.write_text("url;filenumber;first seen;last seen\nhttp://a.example/;1;2025-03-01 09:00:00;\n")
    made(tmp_path / "s").close()
    with open_study(tmp_path / "s") as study:
        for category, kept in (("phishing", "phishing"), (None, "abuse-material")):
            told = study.import_reports(path, source="hotline", category=category)
            assert told.rejections == 0
            assert [one.category for one in study.store.all(Due)] == [kept]
        assert [one.category for one in study.store.all(Report)] == ["phishing"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbf",
        b"\n\n",
        b"# nothing today\n",
        HEADER.encode(),
        HEADER.strip().encode(),
        HEADER.encode("utf-16"),
        gzip.compress(b"", mtime=0),
        gzip.compress(HEADER.encode(), mtime=0),
    ],
)
def test_an_empty_file_is_a_delivery_of_nothing(content: bytes, tmp_path: Path) -> None:
    """No bytes, or a header and no line: on record with 0 reports by the default source."""
    folder = made(tmp_path / "s")
    report(folder, [url(1)], source="usual")
    found = imported(folder, tmp_path / "r.csv", content)
    assert (found.imported, found.known, found.rejected, found.forgotten, found.empty) == (0, 0, (), 0, True)
    assert deliveries(folder) == [("usual", 1, 1, 0), ("usual", 0, 0, 0)]
    folder.close()


def test_a_forgotten_host_stays_out_as_a_referer(store_url: str, tmp_path: Path) -> None:
    """Reports from pages of a forgotten host come in without the page; other referers are kept."""
    folder, header = made(tmp_path / "s", store=store_url), b"url,referer\n"
    imported(folder, tmp_path / "r.csv", b"url\nhttp://gone.example.com/1\n")
    forget(folder, folder.vault.keyed_id("host", "gone.example.com"), "asked to")
    lines = b"http://a.example.net/,http://gone.example.com/2\nhttp://b.example.net/,http://c.example.net/3\n"
    found = imported(folder, tmp_path / "r.csv", header + lines + b"http://gone.example.com/1,http://d.example.net/\n")
    assert (found.imported, found.forgotten) == (2, 1)
    kept = {folder.vault.open(one) for one in folder.store.all(Sealed) if one.kind == "url"}
    assert kept == {"http://a.example.net/", "http://b.example.net/", "http://c.example.net/3"}
    referers = {None, folder.vault.keyed_id("url", "http://c.example.net/3")}
    late = [one for one in folder.store.all(Report) if one.received_at > folder.store.all(Forgotten)[0].forgotten_at]
    assert {one.referer_id for one in late} == referers
    folder.close()


@pytest.mark.parametrize(
    "content",
    [b"<html>gone</html>", b"address\nhttp://a.example.com/\n", b"[]", b"\x00", gzip.compress(b"url\nx", mtime=0)[:-9]],
)
def test_a_file_of_the_wrong_kind_is_no_delivery(content: bytes, tmp_path: Path) -> None:
    """What holds something but no url column is one sentence, and neither run nor delivery is on record."""
    folder = made(tmp_path / "s")
    with pytest.raises(InputError):
        imported(folder, tmp_path / "r.csv", content)
    assert (folder.store.count(Delivery), folder.store.count(Run)) == (0, 0)
    folder.close()


def test_rejected_lines_count_with_the_source_there_is(tmp_path: Path) -> None:
    """Only bad lines: the default source delivered nothing usable. Else the largest source bears them."""
    folder = made(tmp_path / "s")
    found = imported(folder, tmp_path / "r.csv", f"{HEADER}nonsense,one,\n".encode())
    assert (found.empty, deliveries(folder)) == (False, [("usual", 0, 0, 1)])
    lines = "nonsense,one,\nhttp://a.example.com/,two,\nhttp://b.example.com/,two,\nhttp://b.example.com/,three,\n"
    imported(folder, tmp_path / "r.csv", (HEADER + lines).encode())
    assert deliveries(folder)[1:] == [("three", 1, 1, 0), ("two", 2, 2, 1)]
    folder.close()


def test_an_import_that_breaks_off_is_no_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before is kept; importing it again is the delivery, and counts the kept lines as known."""
    monkeypatch.setattr("waterbed.intake.batches.LINES_AT_ONCE", 10)
    folder = made(tmp_path / "s")
    text = "url\n" + "".join(f"{url(n)}\n" for n in range(4_000))
    whole = gzip.compress(text.encode(), mtime=0)
    with pytest.raises(InputError, match="breaks off"):
        imported(folder, tmp_path / "r.csv.gz", whole[: len(whole) // 2])
    kept = folder.store.count(Report)
    assert (kept > 0, deliveries(folder)) == (True, [])
    again = imported(folder, tmp_path / "r.csv.gz", whole)
    assert (again.imported, again.known) == (4_000 - kept, kept)
    assert deliveries(folder) == [("usual", 4_000, 4_000 - kept, 0)]
    folder.close()


def test_the_last_lines_and_the_delivery_come_in_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the delivery cannot be written, the batch it belongs to is not either."""
    folder = made(tmp_path / "s")

    def broken(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("waterbed.intake.importer._deliveries", broken)
    with pytest.raises(OSError):
        report(folder, [url(1)])
    assert (folder.store.count(Report), folder.store.count(Delivery)) == (0, 0)
    assert [end.outcome for end in folder.store.all(RunEnd)] == ["failed"]
    folder.close()


def test_many_lines_of_one_host_seal_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one batch and over several: one entry for each URL and host, whatever the order."""
    monkeypatch.setattr("waterbed.intake.batches.LINES_AT_ONCE", 7)
    folder = made(tmp_path / "s")
    found = report(folder, [url(n % 20) for n in range(60)])
    assert (found.imported, found.known) == (20, 40)
    assert (folder.store.count(Target), folder.store.count(Sealed)) == (20, 27)
    folder.close()
