"""The fact sheet of one hoster: it withholds what the ranking withholds."""

from pathlib import Path

from tests.study.facts import numbered, written
from waterbed.analysis.fact_sheet import sheet_of
from waterbed.analysis.rankings.tables import ranking_of
from waterbed.cli.commands.fact_sheet import sheet_text


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
