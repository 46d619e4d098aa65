"""An ICCAM file through the whole path: import, looks, attribution, ranking, pages."""

import json
from pathlib import Path

from tests.publish.site.recomputed_pages import differences
from tests.study.rig import feed, lab_study
from waterbed.crawler.recheck.run import run_recheck
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.facts import ExternalObservation, Report
from waterbed.publish.release import publish_all

ILLEGAL, NOT_ILLEGAL, CONTENT_UNAVAILABLE = 1, 4, 2


def test_an_iccam_file_goes_the_whole_path(tmp_path: Path) -> None:
    """What is assessed as illegal is looked at, attributed, published; what is not counts nowhere; no URL is left."""
    pairs = feed(14)
    with lab_study(pairs, tmp_path) as (study, _):
        path = tmp_path / "reports.json"
        path.write_text(json.dumps([_entry(n, url) for n, (url, _) in enumerate(pairs)]))
        (tmp_path / "routes.csv").write_text("28.10.0.0,28.10.255.255,64500,Example Hosting\n")
        study.add_table(tmp_path / "routes.csv", study.clock().date(), licence="CC0-1.0")
        done = study.import_reports(path, source="partner")
        assert (done.imported, done.rejections) == (14, 0)
        assert run_recheck(study.folder).looks >= 12
        reports = study.store.all(Report)
        assert {one.assessed_illegal for one in reports} == {True, False}
        assert {one.site_type for one in reports if one.site_type}
        assert {one.status for one in study.store.all(ExternalObservation)}
        made = study.conclude()
        (row,) = (row for row in ranking_of(made) if row.key == "AS64500")
        assert (row.hosts, row.name) == (12, "Example Hosting")
        publish_all(study, tmp_path / "out")
    assert differences(tmp_path / "out") == []
    path.unlink()
    page = (tmp_path / "out" / "letter.html").read_text()
    assert "partner: of these assessed as not illegal" in page
    assert "shop" not in page
    files = [one for one in (tmp_path / "out").rglob("*") if one.is_file()]
    assert len(files) > 50
    assert not [one for one in files if b".lab" in one.read_bytes() and b"-example.com" in one.read_bytes()]


def _entry(number: int, url: str) -> dict[str, object]:
    """One report with one item; every seventh is held not to be illegal, another hotline says that some are gone."""
    gone = {"actionType": CONTENT_UNAVAILABLE, "actionDate": "2026-01-05T11:00:00Z"}
    return {
        "reportId": 9000 + number,
        "hotlineReceivedDate": "2026-01-05T09:00:00Z",
        "sourceUrlSiteType": 6,
        "sourceUrlCommerciality": 2,
        "contentItems": [
            {
                "contentId": number,
                "url": {"urlString": url, "isSourceUrl": True, "hostingCountryCode": "NL"},
                "assessments": [{"classification": NOT_ILLEGAL if number % 7 == 6 else ILLEGAL}],
                "actions": [gone] if number % 5 == 4 else [],
                "countryAssignmentDate": "2026-01-05T10:00:00Z",
            }
        ],
    }
