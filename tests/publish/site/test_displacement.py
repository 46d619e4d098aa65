"""The displacement page: complete without a script, and with one the same numbers; deaf to hostile names."""

import json
import random
import re
import shutil
import subprocess
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest

from tests.graphs.hop_makers import hour
from tests.publish.site.parsed import Parsed
from tests.publish.site.test_pages import HOSTILE
from tests.publish.site.views import frame
from tests.publish.test_hop_cells import HOSTERS, KEYS, WEEK, cells_of, moved
from waterbed.graphs.network.figures import TypedFigure
from waterbed.graphs.network.moves import Level
from waterbed.graphs.network.weeks import CrossBorder, week_window
from waterbed.model.message import NOTHING
from waterbed.publish.hop_cells import LEVELS, HopCells
from waterbed.publish.hop_sums import WAYS, CellFlow, cell_flows, cell_places, week_sums
from waterbed.publish.site.displacement import displacement_page
from waterbed.publish.site.figures.hops import (
    count,
    drawn_links,
    evidence_words,
    network_scene,
    sankey_scene,
    weeks_scene,
)
from waterbed.publish.site.hops_shown import ChainRow, HopsView, Shown
from waterbed.shown.figures.marks import NARROW, WIDE, Scene
from waterbed.shown.figures.moments import Moment
from waterbed.shown.layout import Page, make_site

ASSETS = files("waterbed.shown").joinpath("assets")


def cells(seed: int = 1, hops: int = 300) -> HopCells:
    """Hops between five hosters in seven weeks, one in ten from two countries, three from none that is known."""
    chance = random.Random(seed)
    made = []
    for number in range(hops):
        left, arrived = chance.sample(sorted(HOSTERS), 2)
        more = chance.choices([{"before": ("BE", "NL")}, {"before": ()}, {}], [1, 3, 6])[0]
        order = chance.choice(["sequential", "unknown"])
        kinds = chance.choice([("content_id",), ("path", "redirect_url"), ("label", "path")])
        made.append(moved(number, left, arrived, chance.randrange(7), order=order, evidence=kinds, **more))
    named = KEYS | {"hoster": ["a", "b", "c", "d"], "country": ["BE", *KEYS["country"]]}
    return cells_of(made, named=named, span=(hour(0), hour(7 * WEEK - 1)))


def view(name: str = "Acme BV", found: HopCells | None = None, **changes: Any) -> HopsView:
    """A view in which every hoster and AS has that name."""
    row = TypedFigure(
        measure="returns",
        key="",
        name="",
        value=None,
        low=0.25,
        high=0.5,
        bounds="order",
        n=300.0,
        note=NOTHING,
        kind="rate",
    )
    made: dict[str, Any] = {
        "cells": found or cells(),
        "names": {level: {key: f"{key} {name}" for key in KEYS[level]} for level in ("hoster", "as")},
        "seats": {"a": "NL", "AS1": "NL", "c": "DE"},
        "sheets": {"a": "hosters/a.html"},
        "measures": {level: [row] for level in LEVELS},
        "chains": {level: [ChainRow(hops="3 and more", surely=None, possibly=17)] for level in LEVELS},
        "events": [("interventions/e.html", f"{name}, pressed", ("3 of 4 numbers could be given.",))],
        **changes,
    }
    begins = [week_window(made["cells"].weeks[at])[0] for at in (1, 4)] if made["cells"].weeks else []
    moments = [Moment(at=begin + timedelta(days=2), title=name) for begin in begins]
    return HopsView(**({"moments": moments} | made))


def page(name: str = "Acme BV", found: HopCells | None = None, **changes: Any) -> Page:
    return displacement_page(view(name, found, **changes), home="NL", least=3)


def text(made: Page) -> str:
    return make_site(frame(), [made])[made.path].content.decode()


def data(made: Page) -> dict[str, Any]:
    """What the script filters."""
    (found,) = [script for attributes, script in Parsed(text(made)).scripts if attributes.get("id") == "hops"]
    whole: dict[str, Any] = json.loads(found)
    return whole


def by_script(program: str, given: object) -> Any:
    """What the page's own scripts answer; `given` is JSON in `given`, the answer the program's value."""
    node = shutil.which("node")
    assert node, "no Node.js found; get it with: make tools"
    scripts = "".join(ASSETS.joinpath(name).read_text() for name in ("hop_flows.js", "hop_figures.js"))
    source = f"{scripts}\nconst given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
    source += f"process.stdout.write(JSON.stringify((() => {{ {program} }})()));"
    done = subprocess.run([node, "-e", source], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


FILTER = """
return given.chosen.map(([level, first, last, passages]) => {
  const rows = hopFlows.flows(given.data, { level, first, last, passages: new Set(passages) });
  return [rows, hopFlows.places(rows)];
});
"""


def test_script_and_tables_count_alike() -> None:
    """For fifty choices of level, weeks and passages the script's flows, sinks and sources are those of Python."""
    found, chance = cells(), random.Random(7)
    made = data(page(found=found))
    chosen = []
    for _ in range(50):
        first, last = sorted(chance.choices(range(7), k=2))
        ways = sorted(chance.sample(range(len(WAYS)), chance.randint(0, len(WAYS))))
        chosen.append((chance.choice(LEVELS), first, last, ways))
    answers = by_script(FILTER, {"data": made, "chosen": chosen})
    for (level, first, last, ways), (rows, places) in zip(chosen, answers, strict=True):
        keys = [key["key"] for key in made["levels"][level]["keys"]]

        def key(number: int | None, keys: list[str] = keys) -> str | None:
            return None if number is None else keys[number]

        flows = cell_flows(found.cells, level, weeks=(first, last), ways=[WAYS[way] for way in ways])
        assert [
            (key(row["from"]), key(row["to"]), WAYS[row["passage"]], row["hops"], row["certain"], row["most"])
            for row in rows
        ] == [
            (row.from_key, row.to_key, row.passage, *map(pytest.approx, (row.hops, row.certain, row.most)))
            for row in flows
        ]
        words = [[word for at, word in enumerate(made["evidence"]) if row["evidence"] >> at & 1] for row in rows]
        assert [", ".join(own) for own in words] == [evidence_words(row.evidence) for row in flows]
        assert [(key(one["key"]), one["arrived"], one["left"], one["low"], one["high"]) for one in places] == [
            (one.key, *map(pytest.approx, (one.arrived, one.left, one.low, one.high))) for one in cell_places(flows)
        ]


def test_everything_stands_in_tables_without_a_script() -> None:
    """Flows of all three levels, sinks and sources, weeks, measures and chains are text; controls are hidden."""
    found = cells()
    made = Parsed(text(page(found=found)))
    names = view().names
    for level in LEVELS:
        for row in cell_flows(found.cells, level):
            ends = [
                f"other {_plural(level)}" if key is None else names.get(level, {}).get(key, key)
                for key in (row.from_key, row.to_key)
            ]
            counts = " ".join(map(count, (row.hops, row.certain, row.most)))
            told = f"{ends[0]} {ends[1]} {row.passage or 'held back'} {counts} {evidence_words(row.evidence)}"
            assert told in " ".join(made.shown.split())
    for part in ("25% to 50%", "3 and more", "fewer than 3", "2026-W02", "3 of 4 numbers could be given."):
        assert part in made.shown, part
    assert [form.get("hidden", "shown") for form in made.having(id="filter")] == [None]


def _plural(level: Level) -> str:
    return {"hoster": "hosters", "as": "ASes", "country": "countries"}[level]


def test_controls_are_a_form_with_words() -> None:
    """Level, weeks and passages are radio buttons, lists and boxes, each in a label, in groups with a legend."""
    made = Parsed(text(page()))
    inputs = [a for tag, a in made.elements if tag in ("input", "select")]
    assert {(a.get("type"), a["name"]) for a in inputs} == {
        ("radio", "step"),
        ("radio", "level"),
        (None, "first"),
        (None, "last"),
        ("checkbox", "passage"),
    }
    tags = [tag for tag, _ in made.elements]
    assert (tags.count("label"), tags.count("fieldset"), tags.count("legend")) == (len(inputs), 5, 5)
    assert made.having(role="status")


def test_hostile_names_stay_text() -> None:
    """A name opens no element and ends no script; the figures get it short, the tables as it is."""
    plain, hostile = page(), page(HOSTILE)
    assert [tag for tag, _ in Parsed(text(hostile)).elements] == [tag for tag, _ in Parsed(text(plain)).elements]
    assert HOSTILE in Parsed(text(hostile)).shown
    keys = data(hostile)["levels"]["hoster"]["keys"]
    assert all(len(key.get("label", key["name"])) <= 34 for key in keys)
    assert keys[0]["name"] == f"a {HOSTILE}"


def drawn(scene: Scene) -> list[Any]:
    """A scene as the script gives it."""
    return [[one.tag, one.css, [list(pair) for pair in one.at], one.text, one.tip] for one in scene.marks]


DRAW = """
return given.chosen.flatMap(([level, first, last, passages]) => [hopFigures.WIDE, hopFigures.NARROW].map((width) => {
  const now = { level, first, last, passages: new Set(passages) };
  const rows = hopFlows.flows(given.data, now);
  return [hopFigures.weeks(given.data, now, width), hopFigures.sankey(given.data, level, rows, width),
    hopFigures.network(given.data, level, rows, hopFlows.places(rows), width)].map((one) => one.marks);
}));
"""


@pytest.mark.parametrize("name", ["Acme BV", f"{HOSTILE} with a name of its own \u202e"])
def test_script_and_page_draw_alike(name: str) -> None:
    """For all hops and for twenty choices each mark of the script is that of Python: place, class, text and tip."""
    found, chance = cells(), random.Random(9)
    made = page(name, found)
    whole, shown = data(made), Shown(view(name, found), "NL")
    chosen: list[tuple[Level, int, int, list[int]]] = [(level, 0, 6, list(range(len(WAYS)))) for level in LEVELS]
    for _ in range(20):
        first, last = sorted(chance.choices(range(7), k=2))
        chosen.append((chance.choice(LEVELS), first, last, chance.sample(range(len(WAYS)), 4)))
    answers = iter(by_script(DRAW, {"data": whole, "chosen": chosen}))
    for level, first, last, ways in chosen:
        rows = cell_flows(found.cells, level, weeks=(first, last), ways=[WAYS[way] for way in ways])
        names = {key: shown.name_and_country(level, key) for key in [None, *shown.keys[level]]}
        home = {key: shown.home(level, key) for key in shown.keys[level]}
        sums = week_sums([cell for cell in found.cells if WAYS.index(cell.passage) in ways], 7)
        for width in (WIDE, NARROW):
            weeks, sankey, network = next(answers)
            assert [one for one in weeks if one[1] != "chosen"] == drawn(
                weeks_scene(found.weeks, sums, width, shown.view.placed)
            )
            assert sankey == drawn(sankey_scene(rows, names, home, width))
            assert network == drawn(network_scene(rows, cell_places(rows), shown.spots(level), width))


def test_weeks_mark_the_events_with_and_without_a_script() -> None:
    """Each event stands within its week, in the figure, its legend, its words, and the data of the script."""
    made = page()
    (weeks,) = [figure for figure in made.figures if figure.name == "weeks"]
    assert [one.text for one in weeks.wide.marks if one.tag == "text" and one.text in ("1", "2")] == ["1", "2"]
    assert [key.css for key in weeks.keys].count("event") == 2
    assert "Events: Acme BV" in weeks.desc
    assert [round(at - place, 3) for (at, _, _), place in zip(data(made)["events"], (1, 4), strict=True)] == [0.286] * 2
    assert data(page(moments=()))["events"] == []


def ribbons(scene: Scene) -> list[tuple[str, str, float, str]]:
    """Places, hops and kind of each ribbon, in the order in which they stand."""
    told = [one.tip.partition(": ") for one in scene.marks if one.css.startswith("flow")]
    return [
        (*ends.split(" → "), float(said.split()[0].replace(",", "")), said.partition(" ")[2].partition(",")[0])
        for ends, _, said in told
    ]  # type: ignore[misc]


def test_a_page_without_a_script_shows_all_hops() -> None:
    """The figures stand in the markup: ribbons and what is not drawn add up to all hops, certain and possible apart."""
    found = cells()
    made = page(found=found)
    scene = next(figure for figure in made.figures if figure.name == "sankey").wide
    links, apart = drawn_links(cell_flows(found.cells, "hoster"))
    drawn = ribbons(scene)
    assert sum(hops for *_, hops, _ in drawn) == pytest.approx(sum(link.most for link in links), abs=0.05 * len(drawn))
    assert sum(link.most for link in [*links, *apart]) == pytest.approx(sum(cell.hops for cell in found.cells))
    certain = sum(hops for *_, hops, kind in drawn if kind == "certain")
    assert certain == pytest.approx(sum(link.certain for link in links), abs=0.05 * len(drawn))
    assert f"Not drawn, between others: {count(sum(link.most for link in apart))} hops" in [
        mark.text for mark in scene.marks
    ]
    assert [figure.name for figure in made.figures] == ["weeks", "sankey", "network"]
    assert all(figure.wide.marks and figure.narrow.marks for figure in made.figures)


def flow(left: str | None, arrived: str | None, way: CrossBorder | None, hops: float) -> CellFlow:
    return CellFlow(from_key=left, to_key=arrived, passage=way, hops=hops, certain=hops / 2, most=hops)


def test_named_flows_across_the_border_lead_and_others_never_do() -> None:
    """However much is between places without names, named ribbons come first, and others end each group."""
    small = [flow(f"s{n}", f"t{n}", "leaves home", 1) for n in range(30)]
    flows = [flow("a", "c", "leaves home", 9), flow("b", "a", "stays home", 40), *small]
    flows += [flow("a", None, "leaves home", 50), flow(None, None, "stays home", 500), flow(None, None, None, 7)]
    names = {None: ("", ""), **{key: (key, "") for row in flows for key in (row.from_key, row.to_key) if key}}
    home = dict.fromkeys(("a", "b", *(f"s{n}" for n in range(30))), True)
    scene = sankey_scene(flows, names, home, WIDE)
    drawn = ribbons(scene)
    assert {"other at home → other abroad", "others → others"} & {f"{a} → {b}" for a, b, *_ in drawn} == set()
    words = [mark for mark in scene.marks if mark.css == "name"]
    lefts = [mark.text for mark in words if dict(mark.at)["text-anchor"] == "end"]
    rights = [mark.text for mark in words if dict(mark.at)["text-anchor"] == "start"]
    assert lefts[:2] == ["a", "b"]
    assert [rights[0], *rights[-2:]] == ["c", "other abroad", "a"]
    assert [mark.text for mark in scene.marks if mark.css == "tick"][-2:] == [
        "Not drawn, between others: 515 hops",
        "8 leaves home, 500 stays home, 7 held back",
    ]


@pytest.mark.parametrize(("width", "shown"), [(WIDE, "Long Company Name of Land · NL"), (NARROW, "Long Company… · NL")])
def test_a_name_in_the_flows_keeps_its_country(width: int, shown: str) -> None:
    """However narrow the figure, the name is cut and the country is not."""
    row = CellFlow(from_key="a", to_key="c", passage="leaves home", hops=4, certain=1, most=4)
    names = {"a": ("Long Company Name of Land", "NL"), "c": ("c", "")}
    assert shown in [mark.text for mark in sankey_scene([row], names, {"a": True}, width).marks]


@pytest.mark.parametrize(("most", "says"), [(300, ["at most 300"]), (120, [])])
def test_bars_of_weeks_are_tall_though_most_hops_have_no_week(most: int, says: list[str]) -> None:
    """What a week can have at most is a line near the bars, and a number where the line would press them down."""
    scene = weeks_scene(["2026-W01", "2026-W02"], [(0, 0, 0), (40, 16, most)], WIDE)
    tall = sum(float(dict(mark.at)["height"]) for mark in scene.marks if mark.css.startswith("block"))
    assert tall > 0.25 * (scene.height - 60)
    assert [mark.text for mark in scene.marks if mark.text.startswith("at most")] == says
    assert [mark.css for mark in scene.marks].count("most") == (not says)


def test_hops_whose_weeks_are_open_are_outlines() -> None:
    """In a single week what is only known to reach into it is drawn apart from what is in it."""
    row = CellFlow(from_key="a", to_key="c", passage="leaves home", hops=4, certain=1, most=9, evidence=("same_url",))
    scene = sankey_scene([row], {"a": ("a", ""), "c": ("c", "")}, {"a": True}, WIDE)
    assert next(one.tip for one in scene.marks if one.tip) == "a → c: 1 certain, of 9; leaves home; by same URL"
    assert ribbons(scene) == [
        ("a", "c", 1, "certain"),
        ("a", "c", 3, "possible"),
        ("a", "c", 5, "possibly of these weeks"),
    ]


def test_each_week_can_be_stepped_to_without_a_script() -> None:
    """A radio button a week, one checked, each before the largest flows of its week; all are in noscript alone."""
    found = cells()
    shown = text(page(found=found))
    inside = "".join(re.findall(r"<noscript>(.*?)</noscript>", shown, re.DOTALL))
    button = r'<input type="radio" name="step" id="step-(\d+)"( checked)? aria-label="(.*?)">'
    steps = re.findall(button + r'<label for="step-(\d+)">(.*?)</label>', inside)
    assert steps == [
        (str(at), " checked" if at == 0 else "", week, str(at), week if at == 0 else week[5:])
        for at, week in enumerate(found.weeks)
    ]
    assert shown.count('name="step"') == len(found.weeks)
    for at, panel in enumerate(inside.split('<input type="radio" name="step"')[1:]):
        rows = cell_flows([one for one in found.cells if one.first <= at <= one.last], "hoster", weeks=(at, at))
        told = " ".join(Parsed(panel.partition("</fieldset>")[0]).shown.split())
        for row in rows[:5]:
            assert f"{row.passage or 'held back'} {count(row.hops)} {count(row.certain)} {count(row.most)}" in told
        assert ("further flows" in told) == (len(rows) > 5)


def test_marks_lie_within_their_figure() -> None:
    """No rectangle, circle or text of any figure begins outside of it."""
    for figure in page().figures:
        for _, scene in figure.sizes:
            for mark in scene.marks:
                at = dict(mark.at)
                for name, most in (("x", scene.width), ("cx", scene.width), ("y", scene.height), ("cy", scene.height)):
                    assert 0 <= float(at.get(name, 0)) <= most, (figure.name, mark)


def test_a_study_without_hops_says_so() -> None:
    """No figure, no script and no empty table; events and the reason stand there."""
    why, none = "No hop was seen.", {level: [] for level in LEVELS}
    made = page(found=HopCells(weeks=(), cells=()), measures={}, chains=none, events=(), no_hops=why)
    shown = Parsed(text(made))
    assert made.scripts == ()
    assert why in shown.shown
    assert "declares no event" in shown.shown
    assert not [tag for tag, _ in shown.elements if tag in ("table", "form")]


def test_sheets_are_linked_where_there_are_any() -> None:
    """A hoster with a page of its own leads there, in tables and in the script's data."""
    made = page()
    assert "hosters/a.html" in Parsed(text(made)).links
    keys = data(made)["levels"]["hoster"]["keys"]
    assert [key.get("sheet") for key in keys] == ["hosters/a.html", None, None, None]
