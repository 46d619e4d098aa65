"""The letter's answers: what they may say of what is held back."""

from dataclasses import replace
from typing import Any

from tests.publish.site.parsed import Parsed
from tests.publish.site.views import frame, letter, standings
from waterbed.publish.site.letter import letter_page
from waterbed.publish.site.overview import Passage
from waterbed.shown.layout import render


def answers(question: int, **view: Any) -> dict[str, str]:
    """What the page shows as the numbers of a question."""
    page = letter_page(letter(**view), [])
    rows = [row for row in page.tables[0].rows if row.question == question]
    shown = Parsed(render(frame(), page, [])).shown
    assert all((row.why_not or row.text) in shown for row in rows)
    return {row.what: row.why_not or row.text for row in rows}


def test_most_hops_of_a_passage_take_in_those_held_back() -> None:
    """Hops held back or of unknown countries may be of any passage, as the first page counts those that left home."""
    told = [("leaves home", 3, 2), ("stays home", 4, 2), ("unknown", 5, 1), (None, 3, 1)]
    assert answers(8, passages=[Passage(passage=way, hops=hops, certain=sure) for way, hops, sure in told]) == {
        "leaves home": "2 to 11 hops",
        "stays home": "2 to 12 hops",
        "comes home": "0 to 8 hops",
        "stays abroad": "0 to 8 hops",
        "country unknown": "1 to 8 hops",
    }


def test_one_country_alone_gives_no_share() -> None:
    """Where only home is shown, its share of the countries shown is withheld, and the page says why."""
    one, what = standings()[0].row, "of hosts in the countries that are shown, their server lies there"
    home, abroad = (replace(one, key=key) for key in ("NL", "DE"))
    alone, both = (answers(1, tables={"ranking-country": rows})[what] for rows in ([home], [home, abroad]))
    assert (alone, both) == ("no other country is shown: the rest may be held back", "50%")


def test_one_of_a_kind_is_told_in_the_singular() -> None:
    """A count of one and bounds that meet at one have a unit in the singular, others in the plural."""
    one = Passage(passage="stays home", hops=1, certain=1)
    assert answers(8, passages=[one, Passage(passage="leaves home", hops=2, certain=1)]) == {
        "leaves home": "1 to 2 hops",
        "stays home": "1 hop",
    }
    assert answers(6, tables={"ranking-hoster": [standings()[0].row]})["hosters with enough sites"] == "1 hoster"
