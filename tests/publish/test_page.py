"""The report page: complete, self-contained, and deaf to hostile names."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs

from waterbed.model.conclusions import RankingRow
from waterbed.publish.figures import CONFIG, curves_figure, label, sankey_figure
from waterbed.publish.flows import Flow
from waterbed.publish.page import Number, PageView, render_page
from waterbed.rankings.takedowns import RemovalCurve

HOSTILE = "</script><script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>{{ 7 * 7 }}"


def row(place, name, share=None, rank_class="ranked"):
    return RankingRow(
        place=place,
        key=f"k{place}",
        name=name,
        urls=1200,
        hosts=900,
        sites=40,
        hosts_fractional=880.5,
        removed_24h=share,
        removed_24h_low=None if share is None else share / 2,
        removed_24h_high=None if share is None else (1 + share) / 2,
        removed_or_moved_24h=share,
        episodes=700,
        unknown=3,
        rank_class=rank_class,
    )


def view(name="Acme BV", **other):
    values = {
        "title": f"Report about {name}",
        "made_at": datetime(2026, 6, 3, 9, 20, tzinfo=UTC),
        "home": "NL",
        "rows": [row(1, name, 0.62), row(2, "Veil", rank_class="proxy"), row(None, "not attributed")],
        "curves": [
            RemovalCurve(
                key="k1",
                name=name,
                hours=tuple(map(float, range(100))),
                removed=tuple(h / 200 for h in range(100)),
                clocks=9,
            )
        ],
        "flows": [
            Flow(from_key="k1", from_name=name, to_key="k2", to_name=name, passage="leaves home", hops=9, certain=4)
        ],
        "notes": [f"Note on {name}."],
        "data_dates": {f"routes of {name}": "2026-05-31"},
        "run_id": "5f2c9e0b7d6a",
        "version": "0.1.0",
        "numbers": [Number(value="58%", label=name, note="55 to 61%")],
    }
    return PageView(**(values | other))


class Page(HTMLParser):
    """Elements, script and style texts, and readable text of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.styles, self.shown, self._inside = [], [], [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else self._inside

    def handle_endtag(self, tag):
        self._inside = None if tag == self._inside else self._inside

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts.append((self.elements[-1][1], data))
        elif self._inside == "style":
            self.styles.append(data)
        else:
            self.shown += data

    def data(self):
        (text,) = [data for attributes, data in self.scripts if attributes.get("type") == "application/json"]
        return json.loads(text)


@pytest.mark.parametrize("name", ["Acme BV", HOSTILE])
def test_page_names_no_external_resource(name):
    """No attribute that loads anything, no @import, no url(): only anchors within the page."""
    page = Page(render_page(view(name)))
    loading = {"src", "srcset", "href", "xlink:href", "action", "formaction", "data", "poster", "background", "ping"}
    used = [
        (tag, key, value) for tag, attributes in page.elements for key, value in attributes.items() if key in loading
    ]
    assert used
    assert [use for use in used if not use[2].startswith("#")] == []
    assert not {tag for tag, _ in page.elements} & {"link", "iframe", "object", "embed", "base", "img", "form"}
    inline = [attributes["style"] for _, attributes in page.elements if "style" in attributes]
    assert not re.search(r"url\(|@import|//", "\n".join(page.styles + inline))
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)


def test_page_forbids_itself_any_request():
    """The content security policy allows inline code and nothing from anywhere, and stands before any script."""
    page = Page(render_page(view()))
    policies = [i for i, (_, a) in enumerate(page.elements) if a.get("http-equiv") == "Content-Security-Policy"]
    first = next(i for i, (tag, _) in enumerate(page.elements) if tag in ("script", "style"))
    assert len(policies) == 1
    assert policies[0] < first
    rules = dict(rule.strip().split(" ", 1) for rule in page.elements[policies[0]][1]["content"].split(";"))
    assert rules == {
        "default-src": "'none'",
        "script-src": "'unsafe-inline'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_hostile_names_stay_text():
    """Markup in a hoster's name opens no element, ends no script and is no template; it is shown as it is."""
    plain, hostile = Page(render_page(view())), Page(render_page(view(HOSTILE)))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert len(hostile.scripts) == len(plain.scripts)
    assert HOSTILE in hostile.shown
    assert hostile.data()["flows"]["data"][0]["node"]["label"][0].startswith("&lt;/script&gt;")


def test_names_in_figures_are_short_and_without_markup():
    """The drawing library reads some HTML in labels: none gets through, nor control characters or long names."""
    assert label("<a href='http://e.example'>x</a>") == "&lt;a href='http://e.example'&gt;x&lt;/a&gt;"
    assert label("a\u202eb\nc") == "abc"
    assert len(label("x" * 500)) == 34


def test_library_can_stand_inside_a_script_element():
    """Plotly's own text has no closing script tag and no comment opener, so it needs no escaping."""
    text = get_plotlyjs().lower()
    assert "</script" not in text
    assert "<!--" not in text


def test_buttons_and_links_of_the_library_are_off():
    """No mode bar, logo, upload or edit button, and no server to send anything to."""
    figures = Page(render_page(view())).data()
    for figure in figures.values():
        assert figure["config"] == CONFIG
        for switch in ("displayModeBar", "displaylogo", "showSendToCloud", "showEditInChartStudio", "showLink"):
            assert figure["config"][switch] is False
        assert figure["config"]["plotlyServerURL"] == ""


def test_tables_say_everything_without_scripts():
    """Place, share, interval, class, curve shares and flows are in the markup itself."""
    shown = re.sub(r"\s+", " ", Page(render_page(view())).shown)
    for text in ("Acme BV", "62%", "31% to 81%", "proxy", "900", "1,200", "→ Acme BV", "leaves home", "2026-05-31"):
        assert text in shown
    assert "12%" in shown
    assert "5f2c9e0b7d6a" in shown
    assert "version 0.1.0" in shown
    assert "3 June 2026, 09:20 UTC" in shown


def test_interval_bar_is_drawn_and_told():
    """The bar's band runs from the low to the high end, and its label reads the same to those who cannot see it."""
    page = Page(render_page(view()))
    (band,) = [a for _, a in page.elements if a.get("class") == "band"]
    assert band["style"] == "left:31.00%;width:50.00%"
    (bar,) = [a for _, a in page.elements if a.get("class") == "bar"]
    assert bar["aria-label"].startswith("62% removed, between 31% and 81%")


def test_page_without_figures_leaves_the_library_out():
    """A report without curves and flows is small and has no empty section."""
    text = render_page(view(curves=[], flows=[], numbers=[], notes=[], home=None))
    assert len(text) < 60_000
    ids = {a["id"] for _, a in Page(text).elements if "id" in a}
    assert ids >= {"ranking", "method"}
    assert not ids & {"speed", "flows", "figures"}


@pytest.mark.parametrize(("by", "heading"), [("hoster", "Hoster"), ("asn", "AS"), ("country", "Country")])
def test_page_speaks_of_what_is_ranked(by, heading):
    """Headings name hosters, ASes or countries."""
    assert f'\n        <th scope="col" data-sort="text">{heading}</th>' in render_page(view(by=by))


def test_curves_mark_24_hours_only_if_followed_that_long():
    """The dot stands on the last point at or before 24 h, and is missing where follow-up ended before."""
    whole = view().curves[0]
    short = replace(whole, hours=whole.hours[:10], removed=whole.removed[:10])
    sizes = [trace["marker"]["size"] for trace in curves_figure([whole, short])["data"]]
    assert [i for i, size in enumerate(sizes[0]) if size] == [24]
    assert not any(sizes[1])


def test_each_curve_differs_by_more_than_colour():
    """Six curves have six colours and six dashes, for readers who cannot tell the colours apart."""
    lines = [trace["line"] for trace in curves_figure(list(view().curves) * 6)["data"]]
    assert len({line["color"] for line in lines}) == len({line["dash"] for line in lines}) == 6


def test_sankey_keeps_both_sides_apart():
    """Content that goes back and forth makes no loop: a hoster has one node left and one right."""
    there = view().flows[0]
    back = replace(there, from_key="k2", to_key="k1")
    trace = sankey_figure([there, back])["data"][0]
    assert len(trace["node"]["label"]) == 4
    assert set(trace["link"]["source"]) & set(trace["link"]["target"]) == set()
    assert trace["link"]["value"] == [9, 9]
