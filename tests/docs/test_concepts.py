"""The picture of the concepts, and the table of what numbers cannot say."""

import xml.etree.ElementTree as ET

from tests.docs.markdown import ROOT, page, rows, section

_TEXT = "{http://www.w3.org/2000/svg}text"


def test_the_picture_has_the_six_words_of_the_ontology() -> None:
    """Its steps stand in their order, each a term that the ontology defines; the page shows it and says its steps."""
    drawn = ET.parse(ROOT / "docs/img/chain.svg")
    steps = [one.text for one in drawn.iter(_TEXT) if one.get("font-size") == "14"]
    assert steps == ["report", "check", "verdict", "episode", "clock", "hop"]
    defined = " ".join(words[0] for words in rows(page("ontology.md")))
    assert [step for step in steps if step not in defined] == []
    assert "report, check, verdict, episode, clock, hop](img/chain.svg)" in page("concepts.md")


def test_the_picture_is_read_on_a_phone() -> None:
    """A unit of the picture is a pixel where a page is 390 wide: no letter is smaller than 11."""
    sizes = [float(one.get("font-size", "0")) for one in ET.parse(ROOT / "docs/img/chain.svg").iter(_TEXT)]
    assert len(sizes) > 20
    assert min(sizes) >= 11


def test_each_number_has_what_it_says_and_what_it_does_not() -> None:
    """No cell of the table is empty, and a dash is never 0%."""
    table = rows(section(page("concepts.md"), "What each number cannot say"))
    assert len(table) > 10
    assert all(cell for row in table for cell in row)
    assert next(row for row in table if row[0] == "dash")[2].startswith("0%")
