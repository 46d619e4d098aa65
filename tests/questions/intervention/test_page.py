"""Intervention pages: alone or in a site, complete without JavaScript, and deaf to hostile names."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from tests.publish.site.parsed import Parsed
from tests.publish.site.test_pages import HOSTILE
from tests.publish.site.views import frame
from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.model.message import Kind, Message, Refusal
from waterbed.model.results import Answer, DestinationRow, EventCurveRow, PairRow, PeriodRow, PlaceboRow
from waterbed.model.spelling import interval
from waterbed.questions.intervention.declared_events import event_stems
from waterbed.questions.intervention.figures import event_figures
from waterbed.questions.intervention.page import (
    CHANGE,
    TABLES,
    DisplacementView,
    _rows,
    intervention_page,
    refused_page,
    render_displacement,
)
from waterbed.questions.intervention.words import better
from waterbed.shown.layout import ALONE, make_site

WHEN = datetime(2026, 6, 3, 9, 20, tzinfo=UTC)


def answer(**changes):
    plain = {
        "question": "Did it?",
        "name": "WDD",
        "estimator": "wdd.clustered_difference",
        "reading": "not parallel",
        "n": 40,
        "n_of": "site clusters",
        "estimate": -6.25,
        "unit": "appearances a period",
        "low": -8.5,
        "high": 2.0,
        "p": 0.031,
        "smallest_p": 0.001,
        "may": "this",
        "may_not": "that",
        "note": "",
    }
    return Answer(**(plain | changes))


def period(age, **changes):
    plain = {
        "reading": "not parallel",
        "age": age,
        "begins_at": WHEN,
        "target": 3,
        "control": 5,
        "buffer": 2,
        "buffer_control": 1,
        "reports": 14,
        "observed": -1.5,
        "foretold": -1.25,
        "gap": -0.25,
        "p": 0.25,
        "smallest_p": 0.125,
        "foretold_sites": 4.25,
        "placebo_low": 1.5,
        "placebo_high": 30.0,
    }
    return PeriodRow(**(plain | changes))


def curve(area, when, removed):
    return [
        EventCurveRow(area=area, when=when, hour=hour, removed=share, low=share / 2, high=share)
        for hour, share in ((0.0, 0.0), (24.0, removed), (48.0, removed))
    ]


def view(name="Acme BV", **changes):
    plain = {
        "title": f"{name}: removed or moved?",
        "made_at": WHEN,
        "home": "NL",
        "declared": [("Target", name)],
        "outcome": "appearances",
        "answers": [answer(note=name), answer(name="WDQ", refusal="too few", estimate=None, p=None)],
        "always": ["Nothing rejects."],
        "sentences": ["It removed more."],
        "short": ["It removed more."],
        "curves": [*curve("target", "before", 0.1), *curve("target", "after", 0.75), *curve("controls", "after", 0.5)],
        "periods": [period(age) for age in range(-3, 3)],
        "placebos": [PlaceboRow(reading="not parallel", kind="place", label=name, effect=1.25)],
        "destinations": [
            DestinationRow(
                reading="not parallel",
                key=key,
                name=key if key in ("home", "abroad") else name,
                before=1,
                after=9,
                control_before=4,
                control_after=0,
                share_before=0.5,
                share_after=0.9,
                low=0.4,
                high=0.95,
            )
            for key in ("home", "abroad", "k1")
        ],
        "pairs": [
            PairRow(
                reading="not parallel",
                from_key="k0",
                from_name=name,
                to_key="k1",
                to_name=name,
                moves=9,
                sites=7,
                foretold=3.0,
                lift=3.0,
                soon=4,
                soon_foretold=2.5,
                destination_p=0.012,
                timing_p=None,
                smallest_p=0.001,
            )
        ],
        "data_dates": {"routes": "2026-05-31"},
        "run_id": "5f2c9e0b7d6a",
        "version": "0.1.0",
    }
    return DisplacementView(**(plain | changes))


def test_no_path_tells_of_a_file_that_is_called_like_a_host():
    """Paths of pages are made of the names of event files, but for those that look like a host's."""
    names = ["case 1.toml", "case-1.toml", "www.victim-bank.com.toml"]
    assert event_stems(list(map(Path, names))) == ["case-1", "case-1-2", "event"]
    assert event_stems(list(map(Path, ["case-1-2.toml", "case-1.toml", "event.toml"]))) == [
        "case-1-2",
        "case-1",
        "event",
    ]


def test_what_deviates_from_the_protocol_is_on_the_page():
    """Each deviation stands above the answers, the protocol among what the page was made from."""
    page = render_displacement(view("Acme BV", protocol="declared: moved; SHA-256 ab12", deviations=["level: 1 -> 2"]))
    assert "level: 1 -&gt; 2" in page
    assert page.index("level: 1 -&gt; 2") < page.index('id="answers"')
    assert "declared: moved; SHA-256 ab12" in page


@pytest.mark.parametrize("name", ["Acme BV", HOSTILE])
def test_page_asks_nothing_of_any_network(name):
    """Only anchors, and the files written beside it; its policy allows its own style and no script."""
    page = Parsed(render_displacement(view(name)))
    assert page.links
    beside = {
        f"displacement-{name}.{ending}" for name in (*TABLES, "declared", "sentences") for ending in ("csv", "json")
    }
    assert {link for link in page.links if not link.startswith("#")} == beside | {"data:,"}
    (policy,) = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ALONE
    assert page.scripts == []
    assert set(page.figures) == {"removed", "course", "where", "counts", "gaps", "pairs"}


def test_hostile_names_stay_text():
    """Markup in a name opens no element, ends no script, and is shown as it is."""
    plain, hostile = Parsed(render_displacement(view())), Parsed(render_displacement(view(HOSTILE)))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert HOSTILE in hostile.shown
    assert hostile.figures == plain.figures


def test_everything_stands_in_tables_too():
    """Answers with interval, p and its least, refusals with their reason, and all rows are readable without scripts."""
    shown = " ".join(Parsed(render_displacement(view())).shown.split())
    for part in (
        "\N{MINUS SIGN}6.25 (\N{MINUS SIGN}8.5 to 2)",
        "0.031 (0.001)",
        "No number: too few",
        "May be said: this",
        "40% to 95%",
    ):
        assert part in shown, part
    assert "1.25" in shown


def test_what_would_change_the_answer_stands_before_the_fold_and_in_the_file():
    """The sentences are where readers see them, and beside those of the answer and its word in its file, as text."""
    said = ("It moved.",)
    made = view(branch="displacement", sentences=said, short=said, changes=(f"A drift of {HOSTILE} would explain it.",))
    page = render_displacement(made)
    assert page.index("would explain it.") < page.index('class="fold"')
    assert f"A drift of {HOSTILE} would explain it." in Parsed(page).shown
    _, lines = _rows(made)["sentences"]
    assert [(line.name, line.text) for line in lines] == [
        ("Branch", "displacement"),
        ("Sentence 1", "It moved."),
        (f"{CHANGE} 1", f"A drift of {HOSTILE} would explain it."),
    ]


def test_a_page_without_an_event_is_whole():
    """With nothing declared and no rows there are no figures, no scripts, and no empty sections."""
    page = Parsed(
        render_displacement(
            view(declared=(), curves=(), sentences=(), periods=(), placebos=(), destinations=(), pairs=(), outcome="")
        )
    )
    assert page.scripts == []
    assert "Declaration of the event" not in page.shown
    assert "Over time" not in page.shown


def test_refused_series_draw_counts_alone():
    """Where nothing was foretold the counts are drawn, and neither what was foretold nor gaps."""
    nothing = dict.fromkeys(("observed", "foretold", "gap", "p", "smallest_p", "foretold_sites", "placebo_low"))
    rows = [period(age, **nothing) for age in range(-3, 3)]
    page = Parsed(render_displacement(view(periods=rows)))
    assert set(page.figures) == {"removed", "course", "where", "counts", "pairs"}
    assert "expected from the controls" not in page.shown
    assert "expected from the controls" in Parsed(render_displacement(view())).shown


def test_each_figure_of_the_answer_is_drawn_or_says_why_not():
    """Of shares, course and destinations those that are refused have one sentence with the reason in their place."""
    refused = answer(name="removed before, target", refusal="looks are too far apart", estimate=None, p=None)
    page = Parsed(render_displacement(view(answers=[refused], curves=(), periods=(), destinations=())))
    assert not {"removed", "course", "where"} & set(page.figures)
    shown = " ".join(page.shown.split())
    assert "Removed by hours since the report Not drawn: looks are too far apart." in shown
    assert shown.count("Not drawn: ") == 3
    page = Parsed(render_displacement(view(answers=(), curves=(), periods=(), destinations=(), stopped="quarantine 7")))
    assert " ".join(page.shown.split()).count("Not drawn: quarantine 7.") == 3


def test_curves_have_bands_at_the_target_and_marks_at_a_day():
    """Each curve has its share within 24 hours; the target's have bands, those of the controls none."""
    (made,) = event_figures(view().curves, (), (), (), (), outcome="", stem="e")
    for scene in (made.wide, made.narrow):
        assert [mark.tip for mark in scene.marks if " within " in mark.tip] == [
            "target before: 10% within 24 h, 5% to 10%",
            "target after: 75% within 24 h, 38% to 75%",
            "controls after: 50% within 24 h, 25% to 50%",
        ]
        assert [mark.css for mark in scene.marks if mark.css.startswith("band")] == ["band l2", "band l1"]


def test_a_range_of_placebos_does_not_squeeze_the_lines():
    """The band of placebos is cut off above the lines, not they pressed to the ground by it."""
    rows = view().periods
    (made,) = [one for one in event_figures((), rows, rows, (), (), outcome="sites", stem="e") if one.name == "course"]
    ticks = [int(mark.text) for mark in made.wide.marks if mark.text.isdecimal()]
    assert max(ticks) < 10
    assert "range of placebos" in [key.word for key in made.keys]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("days", "More days"),
        ("windows", "longer time before the event"),
        ("sites", "More independent sites"),
        ("suppressed", "More independent sites"),
        ("contamination", "Controls that do not receive"),
        ("detection", "(detection)"),
        ("quarantine", "A decision on the checks"),
        ("feeds", "Two sources of reports"),
        ("births", "names of new addresses"),
    ],
)
def test_a_refusal_says_what_would_change_it(kind, wanted):
    """Each kind of refusal has its remedy on the page, and without it that is not there."""
    assert [text for text in better([typed(Refusal(Message.of("why"), kind))]) if wanted in text]
    assert better([typed(None)]) == []


def test_every_kind_of_refusal_has_a_remedy_but_what_nobody_can_mend():
    """A kind without a remedy is one of another reason, or of an event that readers may not know of."""
    without = [kind for kind in get_args(Kind) if not better([typed(Refusal(Message.of("why"), kind))])]
    assert without == ["held back", "other"]


def typed(refusal):
    """An answer as it is worked out."""
    return TypedAnswer(question="?", name="WDD", estimator="e", reading="all", n=1, n_of="sites", refusal=refusal)


def in_site(page):
    """A page as the site spells it."""
    return Parsed(make_site(frame(), [page])[page.path].content.decode())


@pytest.mark.parametrize("name", ["Acme BV", HOSTILE])
def test_site_says_what_the_command_says(name):
    """The page of the site has the whole content and the figures of the page that `waterbed displacement` writes."""
    alone = Parsed(render_displacement(view(name)))
    page = in_site(intervention_page(view(name), "interventions/e.html", under="displacement.html"))
    content = alone.shown.partition("All numbers How to read this")[2].partition("Made from")[0]
    assert len(content) > 1500
    assert content in page.shown
    assert page.figures == alone.figures
    assert {f"figure-{figure}" for figure in page.figures} <= {a.get("id") for _, a in page.elements}
    assert "../displacement.html#interventions" in page.links


def test_what_is_held_back_is_a_dash_and_said():
    """A count that may not be told is a dash, in the figure a gap, and the page says what dashes are."""
    rows = [period(age, target=None, observed=None, foretold=None, gap=None) for age in (-1, 0)] + [period(1)]
    made = Parsed(render_displacement(view(periods=rows, least=3)))
    assert "fewer than 3 sites" in made.shown
    course = event_figures((), rows, rows, (), (), outcome="appearances", stem="e")[0]
    assert [mark.tip for mark in course.wide.marks if "target" in mark.tip] == ["target", "target, period 1: 3"]
    assert "means fewer than" not in Parsed(render_displacement(view())).shown


def test_a_refused_event_has_its_reason():
    """The page of an event about which nothing is said tells why, and leads back."""
    page = in_site(refused_page("e.toml", f"no {HOSTILE}", "interventions/e.html", under="displacement.html"))
    assert f"no {HOSTILE}" in page.shown
    assert not page.figures


def test_intervals_say_where_they_have_no_end():
    """An interval without ends is a dash, one without an upper end says so."""
    assert interval(answer()) == "\N{MINUS SIGN}8.5 to 2"
    assert interval(replace(answer(), low=None, high=None)) == "\N{EN DASH}"
    assert interval(replace(answer(), high=None)) == "\N{MINUS SIGN}8.5 to no end"
