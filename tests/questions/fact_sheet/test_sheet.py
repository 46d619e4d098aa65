"""The fact sheet of one hoster: it withholds what is withheld by its clock."""

import io
from pathlib import Path

from rich.console import Console

from tests.publish.study import noticed
from tests.study.facts import hour, later, numbered, written
from waterbed.measures.notices.tables import compliance_of
from waterbed.measures.ranking_tables import ranking_of
from waterbed.questions.fact_sheet.command import print_sheet, sheet_text
from waterbed.questions.fact_sheet.sheet import sheet_of


def test_a_sheet_has_no_curve_where_the_ranking_has_no_share(tmp_path: Path) -> None:
    """Of an unmeasurable hoster neither curve, nor hours until half was gone; of one that can be measured both."""
    seen = numbered("a", 12, "u" + " " * 40 + "dddddddddddd") | numbered("b", 12, "u" * 10 + "d" * 44)
    with written(tmp_path, seen, apart=18) as study:
        conclusions = study.conclude()
        classes = {row.key: row.rank_class for row in ranking_of(conclusions)}
        assert classes == {"AS64500": "unmeasurable", "AS64501": "ranked"}
        sheets = {key: sheet_of(study, key, conclusions=conclusions) for key in classes}
        assert (sheets["AS64500"].curve, sheets["AS64500"].duration) == ((), ())
        assert any(one.share for one in sheets["AS64501"].curve)
        assert sheets["AS64501"].duration
        said = sheet_text(sheets["AS64500"])
        assert "No curve, nor hours until half had ended: the share is withheld (unmeasurable)." in said
        assert "withheld" not in sheet_text(sheets["AS64501"])


def test_class_and_curve_are_of_the_clock_that_the_sheet_names(tmp_path: Path) -> None:
    """From the report nobody knows when half the URLs ended: a range; from notices, about the others, all is known."""
    other = {f"a{n}": "u" * 20 + "d" * 33 for n in range(12, 24)}
    with written(tmp_path, numbered("a", 12, "u" + " " * 40 + "d" * 12) | other, apart=18) as study:
        study.folder.store.add([noticed(url, hour(later(url, 18) + 8)) for url in other])
        conclusions = study.conclude()
        sheet = sheet_of(study, "AS64500", conclusions=conclusions)
        told = next(row for row in compliance_of(study, conclusions=conclusions).shares() if row.within_h == 24)
        assert sheet.ranking is not None
        assert (sheet.ranking.rank_class, sheet.rank_class, told.rank_class) == ("ranked", "ranked", "ranked")
        assert (sheet.ranking.removed_24h, sheet.ranking.removed_24h_worst) == (None, 0.5)
        assert told.removed == 1.0
        said = sheet_text(sheet)
        assert sheet.curve
        assert "withheld" not in said


def test_no_label_is_cut_in_a_narrow_terminal(tmp_path: Path) -> None:
    """Causes, states, shares: a sheet is rather wider than its terminal."""
    with written(tmp_path, numbered("a", 12, "u" * 10 + "d" * 44), apart=18) as study:
        wide = sheet_text(sheet_of(study, "AS64500"))
        narrow = io.StringIO()
        print_sheet(sheet_of(study, "AS64500"), Console(file=narrow, width=40))
    words = {word for line in wide.splitlines() for word in line.split()}
    assert words - set(narrow.getvalue().split()) <= {"protocol:", "none"}  # the line on the protocol is the command's
    assert "\u2026" not in narrow.getvalue()
