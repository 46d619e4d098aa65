"""Every page: complete without scripts, self-contained, and deaf to hostile names."""

import posixpath
import re
from dataclasses import replace
from typing import get_args

import pytest

from tests.publish.site.parsed import Parsed
from tests.publish.site.views import (
    SHEETS,
    START,
    changed,
    frame,
    letter,
    method,
    overview,
    pages,
    quality,
    ranking,
    row,
    sheet,
    standing,
    standings,
    weekly,
)
from waterbed.model.results import Changed
from waterbed.model.spelling import NOTHING, number, percent
from waterbed.model.takedown import DeadlineRow
from waterbed.publish.site.hoster import sheet_page, sheet_paths
from waterbed.publish.site.letter import letter_page
from waterbed.publish.site.method import method_page
from waterbed.publish.site.overview import overview_page
from waterbed.publish.site.quality import Canaries, hours, quality_page
from waterbed.shown.figures.marks import label
from waterbed.shown.layout import Page, Site, make_site, render
from waterbed.shown.rankings import ranking_page
from waterbed.store.settings import Norm

PUBLISHED = re.compile(
    r"((ranking|places|volume|compliance|weeks|changes)-(hoster|asn)|flows|feeds|beyond|notice-effects)\.(csv|json|parquet)|README.txt|datapackage.json"
    r"|interventions/e(\.html|-answers\.(csv|json))"
)
"""Files of a publication that its pages lead to."""
HOSTILE = "</script><script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>{{ 7 * 7 }}\"' x='"


def parsed(page: Page) -> Parsed:
    """One page by itself, taken apart."""
    return Parsed(render(frame(), page, [("index.html", "Overview"), ("ranking.html", "Ranking")]))


def site(name: str = "Acme BV") -> Site:
    """The whole site of the invented study."""
    return make_site(frame(name), pages(name))


def every_page(name: str = "Acme BV") -> dict[str, Parsed]:
    """All pages of it by path, taken apart."""
    return {path: Parsed(file.content.decode()) for path, file in site(name).items() if path.endswith(".html")}


@pytest.mark.parametrize("name", ["Acme BV", HOSTILE])
def test_pages_lead_nowhere_else(name: str) -> None:
    """Each reference of each page leads to a file of the site and an element in it; none leaves it."""
    whole, taken = site(name), every_page(name)
    ids = {path: {a["id"] for _, a in page.elements if "id" in a} for path, page in taken.items()}
    for path, page in taken.items():
        assert page.links
        for link in page.links:
            if link == "data:,":
                continue
            file, _, place = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
            assert target in whole or PUBLISHED.fullmatch(target), (path, link)
            if target not in whole:
                continue
            assert not place or place in ids[target] or "=" in place, (path, link)
        assert not {tag for tag, _ in page.elements} & {"iframe", "object", "embed", "base", "img", "form"}
        assert not [a for _, a in page.elements if any(key.startswith("on") for key in a)]


@pytest.mark.parametrize("change", get_args(Changed))
def test_changes_of_one_kind_alone_are_told(change: Changed) -> None:
    """Where hosters changed in one way only, the first page tells of that one and of no other."""
    text = render(frame(), overview_page(overview(changes=[changed("Acme BV", change)]), [], START), [])
    lines = re.findall(r"<li>(?:<b>)?1 hoster (came|is no longer|has another class|has a share)", text)
    words = {"came": "came", "went": "is no longer", "class": "has another class", "share": "has a share"}
    assert lines == [words[change]]


def test_every_page_is_reached_from_the_first() -> None:
    """Following links from the first page comes to every page and asset."""
    whole, todo, seen = site(), ["index.html"], {"index.html"}
    while todo:
        path = todo.pop()
        for link in Parsed(whole[path].content.decode()).links if path.endswith(".html") else ():
            file = link.partition("#")[0]
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
            if file and target in whole and target not in seen:
                seen.add(target)
                todo.append(target)
    assert seen == set(whole)


def test_style_and_scripts_load_nothing() -> None:
    """Neither the stylesheet nor our own scripts name another place, and no element has a style of its own."""
    for path, file in site().items():
        if path.startswith("assets/"):
            assert not re.search(rb"url\(|@import|https?:|fetch|XMLHttp|eval|innerHTML", file.content), path
    for page in every_page(HOSTILE).values():
        assert not [a for _, a in page.elements if "style" in a]


def test_pages_forbid_themselves_any_request() -> None:
    """The policy allows the site's own scripts and style, stands before both, and no script is inline."""
    for page in every_page().values():
        policies = [n for n, (_, a) in enumerate(page.elements) if a.get("http-equiv") == "Content-Security-Policy"]
        first = next(n for n, (tag, _) in enumerate(page.elements) if tag in ("script", "link"))
        assert len(policies) == 1
        assert policies[0] < first
        rules = dict(rule.strip().split(" ", 1) for rule in str(page.elements[policies[0]][1]["content"]).split(";"))
        assert rules == {
            "default-src": "'none'",
            "script-src": "'self' file:",
            "style-src": "'self' file:",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        for attributes, text in page.scripts:
            assert attributes.get("type") == "application/json" or not text.strip()


def test_hostile_names_stay_text() -> None:
    """Markup in any name opens no element, ends no script and is no template; it is shown as it is."""
    plain, hostile = every_page(), every_page(HOSTILE)
    assert list(plain) == list(hostile)
    for path, page in hostile.items():
        assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain[path].elements], path
        assert [set(a) for _, a in page.elements] == [set(a) for _, a in plain[path].elements], path
        assert HOSTILE in page.shown, path


def test_names_in_figures_are_short() -> None:
    """A label has no control characters and at most 34 letters."""
    assert label("a\u202eb\nc") == "abc"
    assert len(label("x" * 500)) == 34
    assert label("x" * 34) == "x" * 34


def test_each_figure_has_words_a_link_and_its_files() -> None:
    """A figure is drawn for both widths with title and description, says how to be read, and leads to its data."""
    whole, seen = site(), set()
    for path, page in every_page().items():
        for name in page.figures:
            seen.add(name)
            markup = whole[path].content.decode().partition(f'<figure id="figure-{name}"')[2].partition("</figure>")[0]
            figure = Parsed(markup)
            assert [tag for tag, _ in figure.elements].count("svg") >= 2, (path, name)
            drawings = [a for tag, a in figure.elements if tag == "svg" and a.get("role") == "img"]
            assert [str(a["class"]).partition(" ")[2] for a in drawings] == ["wide", "narrow"]
            for drawing in drawings:
                for named in str(drawing["aria-labelledby"]).split():
                    assert re.search(rf'<(title|desc) id="{named}">[^<]', markup), named
            stems = {link.rpartition(".")[0] for link in figure.links if link.endswith((".csv", ".json"))}
            assert len(stems) == 1, stems
            assert f"#figure-{name}" in figure.links
            assert "How to read" in figure.shown
    assert seen == {"curves", "causes", "weeks", "canary", "reported"}


def test_each_table_of_rows_has_its_files_beside_it() -> None:
    """Under each table with data stand its CSV and JSON, which are files of the site or tables of the publication."""
    for path, file in site().items():
        if path.endswith(".html") and path != "method.html":
            sections = re.split(r"<section|<h2", file.content.decode())
            bare = [part for part in sections if "<table" in part and not re.search(r'href="[^"]+\.csv"', part)]
            assert not bare, (path, bare[0][:80])


def test_frame_says_what_numbers_rest_on() -> None:
    """Each page names time, terms, data, run, version and protocol, and marks where one is in the navigation."""
    for path, page in every_page().items():
        for told in ("3 June 2026", "TLP:GREEN", "CC-BY-4.0", "2026-05-31", "5f2c9e0b7d6a", "0.1.0", "as locked"):
            assert told in page.shown, (path, told)
        assert len(page.having(**{"aria-current": "page"})) + len(page.having(**{"aria-current": "true"})) >= 1
        assert page.having(class_="skip", href="#content")
        assert [tag for tag, _ in page.elements].count("h1") == 1


def test_the_first_page_gives_each_sentence_of_an_answer_a_paragraph() -> None:
    """As the event's page does; a note on old tables leads to what to do, and the weeks are as many as there are."""
    made = overview_page(overview(), [], START)
    text = render(frame(), made, [])
    answers = text.partition('<dl class="events">')[2].partition("</dl>")[0]
    assert re.findall(r"<p><bdi>(.*?)</bdi></p>", answers) == [
        "Acme BV removed 90 to 97% of 30 reports.",
        "It is not shown that content moved.",
    ]
    assert "quality.html#tables" in Parsed(text).links
    assert "Last 3 weeks" in Parsed(text).shown


def test_the_first_page_says_where_no_week_has_a_share() -> None:
    """Such a row has words in place of an empty line."""
    view = overview()
    bare = replace(view, slowest=[replace(view.slowest[0], weeks=[("2026-W20", None)], moments=()), *view.slowest[1:]])
    shown = parsed(overview_page(bare, [], START)).shown
    assert ("no share" in shown, "no share" in parsed(overview_page(view, [], START)).shown) == (True, False)


def test_the_foot_says_in_words_that_no_licence_is_given() -> None:
    """A licence that is given stands by its name."""
    made = overview_page(overview(), [], START)
    assert ", licence CC-BY-4.0" in Parsed(render(frame(), made, [])).shown
    bare = Parsed(render(replace(frame(), licence="LicenseRef-none"), made, [])).shown
    assert "no licence is given" in bare
    assert "LicenseRef" not in bare


def test_the_first_page_has_the_title_once() -> None:
    """The first page bears the study's title, which stands once; other pages have their own before it."""
    pages = [render(frame(), one, []) for one in (overview_page(overview(), [], START), letter_page(letter(), []))]
    assert [re.findall("<title>(.*)</title>", page)[0] for page in pages] == [
        "Study of Acme BV",
        "The letter&#39;s questions · Study of Acme BV",
    ]


def test_an_effect_without_a_ratio_is_called_a_test() -> None:
    """The page on method says why a row has no ratio, where one has none."""
    told, view = "A row without a ratio is a test alone", method()
    tested = replace(view, effects=[replace(view.effects[0], ratio=None, low=None, high=None)])
    assert [told in parsed(method_page(one, START)).shown for one in (view, tested)] == [False, True]


def test_a_ranking_names_who_is_surely_below_the_norm() -> None:
    """The slowest are named with how many may be wrong, more are marked in the table; none is said to be none."""
    none = parsed(ranking_page(ranking(), ["hoster"], START)).shown
    assert "None of the hosters surely removed less than 50% within 24 hours" in none
    below = [standing(row(n, f"Slow {n}", 0.1 + n / 100), 1, 20) for n in range(15)]
    below = [replace(one, place=replace(one.place, below_norm=True, norm=0.4)) for one in below if one.place]
    view = ranking(
        standings=[*reversed(below), *(replace(one, place=None) for one in standings())], norm=Norm(rate=0.1), sheets={}
    )
    shown = " ".join(parsed(ranking_page(view, ["hoster"], START)).shown.split())
    assert "15 hosters surely removed less than 40% within 24 hours: Slow 0, Slow 1, " in shown
    assert "Slow 11 and 3 more, marked in the table; where the assumptions of the intervals hold, " in shown
    assert "on average at most 10% of the names given by this rule are wrong." in shown
    assert shown.count(" below the norm") == 16  # the sentence, and a mark in each row


def test_ranking_tells_everything_without_scripts() -> None:
    """Place, share, interval, set of places, probability, classes and what was left out are in the markup itself."""
    shown = parsed(ranking_page(ranking(), ["hoster", "asn"], START)).shown
    for told in ("Acme BV", "62%", "31% to 81%", "2 to 4", "25%", "proxy", "unmeasurable", "too few", "900", "1,200"):
        assert told in shown
    assert "their answers could mean anything" in shown
    assert "Left out: at least 2 hosters with fewer than 3 sites" in shown
    assert (
        "It removed 62% within 24 hours; if it goes on in the same way, 31% to 81% is to be expected (95% interval)."
        in shown
    )
    assert "from place 2 to 4 of 4" in shown
    assert "The slowest" in shown
    several = parsed(ranking_page(ranking(slowest=3), ["hoster", "asn"], START)).shown
    assert "Among the 3 slowest" in several
    assert "2.5 2 to 3.1" in shown


def test_intervals_and_sets_are_drawn_and_told() -> None:
    """Band and set run from end to end, and their labels say the same to those who cannot see them."""
    page = parsed(ranking_page(ranking(), ["hoster"], START))
    assert (page.having(class_="band")[0]["x"], page.having(class_="band")[0]["width"]) == ("31.00%", "50.00%")
    assert str(page.having(class_="bar")[0]["aria-label"]).startswith("62% removed, between 31% and 81%")
    assert page.having(class_="set")[0]["aria-label"] == "place 2 to 4 of 4, 1 is the slowest"
    assert page.having(x="25.00%", width="75.00%")


def test_rankings_lead_to_sheets_and_to_each_other() -> None:
    """A hoster's name leads to its sheet, an AS has none, and each kind is a tab."""
    page = parsed(ranking_page(ranking(), ["hoster", "asn"], START))
    assert {"hosters/k1.html", "ranking-asn.html"} <= set(page.links)
    other = parsed(ranking_page(ranking(kind="asn", sheets={}), ["hoster", "asn"], START))
    assert "ranking.html" in other.links
    assert not [link for link in other.links if link.startswith("hosters/")]


def test_columns_can_be_sorted_by_what_they_show() -> None:
    """Each cell under a heading that sorts has its value, numbers as numbers; what has none is empty."""
    for page in (ranking_page(ranking(), ["hoster"], START), quality_page(quality())):
        text = render(frame(), page, [])
        tables = re.findall(r'<table class="[^"]*sortable".*?</table>', text, re.S)
        assert tables
        for table in tables:
            head, body = table.split("</thead>")
            kinds = [re.search(r'data-sort="(\w+)"', cell) for cell in re.findall(r"<th scope=\"col\".*?>", head)]
            for line in re.findall(r"<tr>.*?</tr>", body, re.S):
                cells = re.findall(r"<t[hd][ >].*?>|<td>", line)
                assert len(cells) == len(kinds)
                for kind, cell in zip(kinds, cells, strict=True):
                    value = re.search(r'data-value="([^"]*)"', cell)
                    assert not kind or value, cell
                    if kind and kind[1] == "number" and value and value[1]:
                        float(value[1])


def test_orders_are_met_by_their_deadline_and_notices_without_one_have_hours() -> None:
    """The letter's page gives the share met of an order, hours of a notice, and says why it cannot."""
    rows = [
        DeadlineRow(
            key="all", name="all", kind=kind, clocks=20, due=due, due_h=12.0 if due else None, met=met, met_low=low,
            met_high=high, surely=9, missed=1, action_h=half, action_h_low=half, action_h_high=None,
        )
        for kind, due, met, low, high, half in (
            ("nl_order", 20, 0.9, 0.8, 0.95, None), ("tco", 20, None, None, None, None),
            ("ntd", 0, None, None, None, 40.0), ("dsa", 0, None, None, None, None),
        )
    ]  # fmt: skip
    shown = parsed(letter_page(letter(tables={"deadlines": rows}), [])).shown
    for told in (
        "order of the Dutch authority: removed by the deadline, 12 hours 90% (80% to 95%)",
        "removal order about terrorist content: removed by the deadline, 12 hours too few sites, or checks too sparse",
        "notice and takedown: until half was gone; no law sets a time 40 hours",
        "notice under the Digital Services Act: until half was gone; no law sets a time not yet half, or not estimable",
    ):
        assert told in " ".join(shown.split())


@pytest.mark.parametrize("unseen", [1, 2])
def test_pages_say_how_many_hosters_a_total_covers(unseen: int) -> None:
    """The letter's answer and the first page name the hosters that a share leaves out; of too few there is no total."""
    rows = [row(1, "Slowhost", 0.08), *(row(2 + n, "Dark", rank_class="unmeasurable") for n in range(unseen))]
    answer = " ".join(parsed(letter_page(letter(tables={"ranking-hoster": rows}), [])).shown.split())
    covered = (
        f"only 1 of {1 + unseen} hosters with at least 10 sites has a share, with 700 of {700 * (1 + unseen):,} clocks"
    )
    assert (f"each hoster counted once; {covered} 8%" in answer) == (unseen == 1)
    assert (f"each hoster counted once {covered}" in answer) == (unseen == 2)
    slow = replace(overview().slowest[0], entry=standing(rows[0]))
    page = parsed(overview_page(overview(standings=list(map(standing, rows)), slowest=[slow]), [], START))
    first = " ".join(page.shown.split())
    assert f"O{covered[1:]}: the others may be slower." in first
    assert f"; {covered}." in first


def test_one_share_alone_is_none_of_the_slowest() -> None:
    """A hoster that alone has a share stands in no list of the slowest, and its share is called the only one."""
    one = overview().slowest[0]
    first = " ".join(parsed(overview_page(overview(slowest=[one]), [], START)).shown.split())
    name, share = one.entry.row.name, percent(one.entry.row.removed_24h)
    assert "lowest share" not in first
    assert f"Only {name} has a share, so none can be called the slowest: the ranking." in first
    assert f"only share is that of {name}: {share}" in first


def test_an_empty_study_has_all_pages() -> None:
    """Without rows, curves, canaries or tables each page says that there is nothing, and breaks nowhere."""
    nothing = quality(cards=[], canaries=Canaries(vantages=(), days=()), held=[], tables=[], outcomes=[], stale_looks=0)
    told = parsed(quality_page(nothing)).shown
    assert "outages cannot be told from removals" in told
    assert "No table: nothing can be attributed." in told
    assert "No row to rank" in parsed(ranking_page(ranking(standings=[], left_out=0), ["hoster"], START)).shown
    bare = overview(standings=[], slowest=[], curves=[], passages=[], held=[], notes=[])
    assert "No hoster has 3 reported sites" in parsed(overview_page(bare, [], START)).shown
    told = parsed(letter_page(letter(tables={}, passages=(), events=()), [])).shown
    assert told.count("held back") >= 5
    assert "No event is declared for publication" in told
    page = parsed(
        sheet_page(sheet(curves=None, shares=(), duration=None, weekly=None, reported=(), goes_to=()), SHEETS, START)
    )
    for told in ("No curve", "No notices", "No flow of 3 hops"):
        assert told in page.shown
    assert not page.figures


def test_sheet_tells_everything_without_scripts() -> None:
    """Shares by cause with intervals, weeks with their trend, flows and numbers are in the markup itself."""
    page = parsed(sheet_page(sheet(), SHEETS, START))
    for told in ("seat NL", "AS64500, AS64501", "31% to 81%", "17.3 h", "moved away", "56%", "2026-W03", "44%"):
        assert told in page.shown, told
    assert "Trend: rises." in page.shown
    assert "+3.1 points a week; 95% interval +1.0 to +5.2, over 5 weeks" in page.shown
    assert "Leaves for" in page.shown
    assert "Every flow to it has fewer than 3 hops." in page.shown
    assert "12.5 were expected; 2.5 times (2 to 3.1)" in page.shown
    assert len(page.having(class_="swatch")) == 5  # in legend and table, and an event: nothing ended by another cause


@pytest.mark.parametrize(
    ("slope", "word"),
    [
        ((0.03, 0.01, 0.05), "Trend: rises."),
        ((-0.03, -0.05, -0.01), "Trend: falls."),
        ((0.03, -0.01, 0.05), "Trend: no clear change."),
        (None, "The trend cannot be estimated"),
    ],
)
def test_a_trend_is_told_only_if_its_interval_is_clear_of_nothing(
    slope: tuple[float, float, float] | None, word: str
) -> None:
    """Rises or falls where the whole interval does; else no clear change, and nothing without an estimate."""
    assert word in parsed(sheet_page(sheet(weekly=weekly(slope)), SHEETS, START)).shown


def test_a_sheet_and_the_quality_page_tell_of_the_hosters_word() -> None:
    """Where a link check decided looks, they are told apart, on the sheet without a count; else nothing is said."""
    for shown, told in ((True, True), (False, False)):
        page = parsed(sheet_page(sheet(hoster_word=shown), SHEETS, START)).shown
        assert ("own link check was asked" in page) == told
        page = parsed(quality_page(quality(hoster_word=7 if shown else 0))).shown
        assert ("7 of these checks rest on the hoster's word" in page) == told


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (["hoster"], "1 quarantine is open: what was seen down in it counts as undecided until a person decides."),
        (["feed"], "1 quarantine of our own network or of a delivery is open: it changes no verdict."),
        (["canary", "feed"], "2 quarantines of our own network or of a delivery are open: they change no verdict."),
    ],
)
def test_a_quarantine_that_changes_no_verdict_is_told_apart(kinds: list[str], said: str) -> None:
    """The first page says of mass outages alone that what was seen in them is undecided."""
    view = overview()
    shown = " ".join(
        parsed(
            overview_page(replace(view, held=[replace(view.held[0], kind=kind) for kind in kinds]), [], START)
        ).shown.split()
    )
    assert said in shown
    assert ("undecided until a person decides" in shown) == ("hoster" in kinds)


def test_quality_tells_everything() -> None:
    """Sources, canary, quarantines, lag, outcomes and ages of tables, with their numbers."""
    shown = parsed(quality_page(quality())).shown
    for told in (
        "10% of checks undecided",
        "2 canary checks failed",
        "1 quarantines open",
        "2.0 h",
        "promised within 15 min; due now: late; made in the last hour: in time",
    ):
        assert told in shown, told
    for told in ("7 of 9 sites went down", "soft gone", "9 days too old", "1,234", "0.5 90%: 2", "1 empty, 1 held"):
        assert told in shown, told
    assert "5 checks were attributed with a table of routes that is too old for them, or of a later day." in shown


def test_sheets_have_names_that_any_disk_takes() -> None:
    """A key that is no file's name, or differs in case alone, gets one made of its checksum; no two are the same."""
    keys = ["AS1", "as1", "../../etc/passwd", "a/b", "a b", "a.b", "x" * 300, "\N{SNOWMAN}", "AS2"]
    paths = sheet_paths(keys)
    assert paths["AS1"] == "hosters/AS1.html"
    assert len({path.casefold() for path in paths.values()}) == len(keys)
    assert all(re.fullmatch(r"hosters/[A-Za-z0-9_-]{1,60}\.html", path) for path in paths.values())
    assert sheet_paths(["a/b"])["a/b"] == paths["a/b"]


def test_two_pages_of_one_path_are_refused() -> None:
    """A page never takes another's place silently."""
    page = overview_page(overview(), [], START)
    with pytest.raises(ValueError, match="one path"):
        make_site(frame(), [page, page])


@pytest.mark.parametrize(
    ("share", "told"), [(None, NOTHING), (0.0, "0%"), (0.001, "<1%"), (0.996, ">99%"), (1.0, "100%"), (0.616, "62%")]
)
def test_percent_never_rounds_to_certainty(share: float | None, told: str) -> None:
    """0 and 100 are said only where it is so."""
    assert percent(share) == told


def test_numbers_and_times_are_spelled_for_people() -> None:
    """Two or three digits that count; minutes, hours or days."""
    assert [number(value) for value in (None, 0.0, 17.34, 12345.6, -0.5)] == [
        NOTHING,
        "0",
        "17.3",
        "12,300",
        "\N{MINUS SIGN}0.5",
    ]
    assert [hours(seconds) for seconds in (-3, 60, 7200, 432000)] == ["0 min", "1 min", "2.0 h", "5.0 days"]


def test_a_place_that_is_sure_is_one_number() -> None:
    """A set of one place is said as that place."""
    page = parsed(ranking_page(ranking(standings=[standing(row(1, "One", 0.5), 1, 1)]), ["hoster"], START))
    assert "By speed it stands at place 1 of 1" in page.shown


def test_a_share_of_too_few_days_is_a_class_on_pages() -> None:
    """It has no interval: neither the ranking nor the sheet shows it as how it works."""
    few = replace(row(1, "Young", 0.44, rank_class="too few days"), removed_24h_low=None, removed_24h_high=None)
    one = standing(few)
    found = [
        ranking_page(ranking(standings=[one]), ["hoster"], START),
        sheet_page(sheet("Young", standing=one), SHEETS, START),
    ]
    texts = [render(frame(), page, [("index.html", "Overview"), ("ranking.html", "Ranking")]) for page in found]
    assert all("too few days" in text for text in texts)
    assert not any("None" in text or 'class="band"' in text for text in texts)
