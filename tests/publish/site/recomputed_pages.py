"""Texts of displacement, events and method, worked out from files."""

import json
import re
from pathlib import Path
from typing import Any

from tests.publish.site.recomputed import (
    Check,
    Files,
    Row,
    cells,
    minute_of,
    squeezed,
    text_of,
    time_of,
    whole,
    without_constants,
)
from tests.publish.site.recomputed_letter import letter
from tests.publish.site.recomputed_rankings import answer_in, answers, overview, ranking
from tests.publish.site.recomputed_sheets import quality, sheet
from waterbed.model.results import Answer
from waterbed.model.spelling import NOTHING, interval, number, p_value, percent
from waterbed.publish.site.displacement import MOST_ROWS, WEEK_ROWS, _monday, _signed
from waterbed.publish.site.figures.hops import count
from waterbed.publish.site.hops_shown import HELD, WORDS
from waterbed.questions.intervention.page import CHANGE, SHOWN_PAIRS
from waterbed.shown.layout import thousands


def differences(folder: Path, *pages: str) -> list[str]:
    """What pages of a published folder, or these of them, say otherwise than their files, or without any file."""
    beside, wrong = Files(folder), []
    for path in [folder / page for page in pages] or sorted(folder.rglob("*.html")):
        check = Check(beside, path)
        check.frame()
        room = path.parent.name if path.parent != folder else path.stem.partition("-")[0]
        answers(check)
        PAGES[room](check)
        check.drawings()
        check.rest()
        wrong += check.wrong
    return wrong


def displacement(check: Check) -> None:
    """All flows, sinks and sources, weeks, measures, chains."""
    its, total = check.files, check.files.total
    weeks = its.rows("data/hop-weeks")
    if weeks:
        flows = {level: [o for o in its.rows("data/hop-flows") if o["level"] == level] for level in WORDS}
        noun = "weeks" if len(weeks) > 1 else "week"
        span = f"{weeks[0]['week']} to {weeks[-1]['week']}, by when the arrival was first seen"
        check.take(
            "//section[@class='numbers']/div",
            f"{whole(total['hops'])}hopsunreported arrivals are not seen",
            f"{whole(total['hops_certain'])}of these certain"
            "the rest may be displacement, or copies that were there before",
            f"{len(weeks)}{noun}{span}",
        )
        for own in flows.values():
            assert (
                sum(o["hops"] for o in own) == total["hops"] or abs(sum(o["hops"] for o in own) - total["hops"]) < 1e-3
            )
        cells_of = its.rows("data/hop-cells")
        assert sum(o["hops"] for o in cells_of) == total["hops"]
        options = [f"{o['week']}, {_monday(o['week']).strftime('%-d %b %Y')}" for o in weeks]
        check.take("//select/option", *options, *options)
        across = [
            o for o in flows["hoster"] if o["to_key"] != "others" and o["passage"] in ("leaves home", "comes home")
        ]
        check.take("//p[@id='across']", *(_across(o) for o in across[:1]))
        for level, caption in (
            ("hoster", "Flows between hosters"),
            ("as", "Flows between ASes"),
            ("country", "Flows between count"),
        ):
            told = [{**o, "most": o["hops"]} for o in flows[level]]
            rest = [_rest(told[MOST_ROWS:], [""])] if told[MOST_ROWS:] else []
            check.table(caption, [[*_flow(o), ", ".join(map(_kind, o["evidence"]))] for o in told[:MOST_ROWS]] + rest)
        short = [
            week if at == 0 or week.endswith("W01") else week[5:] for at, week in enumerate(o["week"] for o in weeks)
        ]
        check.take("//fieldset[@class='steps']/label", *short)
        for o in weeks:
            told = _in_week(
                cells_of,
                o["week"],
                {o["from_key"]: o["from_name"] for o in flows["hoster"]}
                | {o["to_key"]: o["to_name"] for o in flows["hoster"]},
            )
            rest = [_rest(told[WEEK_ROWS:], [])] if told[WEEK_ROWS:] else []
            said = f"{o['week']}, from {_monday(o['week']).strftime('%-d %b %Y')}"
            check.table(said, [_flow(row) for row in told[:WEEK_ROWS]] + rest, *re.findall(r"\d[\d,.]*", said))
        check.table(
            "Hops by week",
            [[o["week"], f"{o['hops']:,}", f"{o['certain']:,}", f"{o['most']:,}"] for o in weeks],
        )
        places = [_net(o) for o in its.rows("data/hop-places") if o["level"] == "hoster"]
        check.table("Bounds of the net", places[:MOST_ROWS])
        rows = its.rows("data/hop-measures")
        names = dict.fromkeys(o["measure"] for o in rows)
        by = {(o["level"], o["measure"]): o for o in rows}
        check.table(
            "Measures between", [[name, *(_measure(by.get((level, name))) for level in WORDS)] for name in names]
        )
        few = f"fewer than {whole(total['least'])}"
        check.table(
            "Contents by the hops",
            [
                [
                    WORDS[o["level"]][1],
                    o["hops"],
                    few if o["surely"] is None else f"{o['surely']:,}",
                    f"{o['possibly']:,}",
                ]
                for o in its.rows("data/hop-chains")
            ],
        )
    for one in check.page.xpath("//ul[@class='events']/li"):
        stem = one.xpath(".//a/@href")[0].removesuffix(".html")
        said = answer_in(its.rows(f"{stem}-sentences"))
        if squeezed(said) not in text_of(one):
            check.wrong.append(f"{check.name}: {text_of(one)} lacks {said}")
        check.drop(one)
    for paragraph in check.page.xpath("//p[contains(., ' sites') or contains(., ' contents are')]"):
        numbers = re.findall(r"\d+", text_of(paragraph))
        assert set(numbers) <= {whole(total["least"])}, text_of(paragraph)
        check.drop(paragraph)


def _across(o: Row) -> str:
    bounds = f"{count(o['certain'])} to {count(o['hops'])}"
    return (
        f"Across the border of NL most named hops of all weeks went from {o['from_name']} to {o['to_name']}: {bounds}, "
        "whichever possible hops are displacement."
    )


def _kind(kind: str) -> str:
    return kind.replace("_", " ").replace("url", "URL")


def _flow(o: Row) -> list[str]:
    counts = [count(o[name]) for name in ("hops", "certain", "most")]
    return [o["from_name"], o["to_name"], o["passage"] or HELD, *counts]


def _rest(rows: list[Row], last: list[str]) -> list[str]:
    sums = [count(sum(o[name] for o in rows)) for name in ("hops", "certain", "most")]
    return [f"further flows: {len(rows):,}", "", "", *sums, *last]


def _in_week(cells: list[Row], week: str, names: Row) -> list[Row]:
    """Flows between hosters that reach into a week: named ones first, most hops first."""
    sums: dict[tuple[str, str, str | None], Row] = {}
    for cell in cells:
        if cell["first_week"] <= week <= cell["last_week"]:
            left, arrived = ((cell[f"hosters_{side}"] or ["others"])[0] for side in ("left", "reached"))
            own = sums.setdefault((left, arrived, cell["passage"]), {"hops": 0, "certain": 0, "most": 0})
            alone = cell["first_week"] == cell["last_week"]
            own["hops"] += cell["hops"] * alone
            own["certain"] += cell["certain"] * alone
            own["most"] += cell["hops"]
    ways = ["leaves home", "stays home", "comes home", "stays abroad", "unknown", None]

    def order(told: tuple[tuple[str, str, str | None], Row]) -> tuple[Any, ...]:
        (left, arrived, way), own = told
        last = (arrived == "others", arrived, ways.index(way))
        return (left == "others") + (arrived == "others"), -own["hops"], -own["most"], left, *last

    return [
        {"from_name": names[left], "to_name": names[arrived], "passage": way, **own}
        for (left, arrived, way), own in sorted(sums.items(), key=order)
    ]


def _net(o: Row) -> list[str]:
    kind = "sink" if o["low"] > 0 else "source" if o["high"] < 0 else "either"
    bounds = f"{_signed(o['low'])} to {_signed(o['high'])}"
    return [o["name"], count(o["arrived"]), count(o["left"]), _signed(o["arrived"] - o["left"]), bounds, kind]


def _measure(o: Row | None) -> str:
    if o is None or (o["value"] is None and o["low"] is None):
        return NOTHING
    share = o["measure"].startswith(("to abroad", "returns", "same destination", "share of"))
    spell = percent if share else number
    value = spell(o["value"]) if o["value"] is not None else ""
    kind = {"95%": ", 95%", "null": ", by chance"}.get(o["bounds"], "")
    ends = f"{spell(o['low'])} to {spell(o['high'])}{kind}" if o["low"] is not None else ""
    return squeezed(f"{value} {ends}")


def _said(check: Check, paragraphs: list[str]) -> None:
    """The answer: its short form on the first screen and the rest below it, together each word of the file's."""
    found = check.page.xpath("//p[@class='said'] | //details[@class='further']/p")
    if sorted(" ".join(map(text_of, found)).split()) != sorted(" ".join(map(squeezed, paragraphs)).split()):
        check.wrong.append(f"{check.name}: {[text_of(one) for one in found]} is not {paragraphs}")
    for element in found:
        check.drop(element)


def event(check: Check) -> None:
    """The page of an event."""
    its, stem = check.files, check.name.removesuffix(".html")
    if not its.has(f"{stem}-answers"):
        check.drop(check.page.xpath("//h1")[0])
        return
    declared = its.rows(f"{stem}-declared")
    check.take("//dl[@class='declared']/div", *(f"{o['name']}{o['text']}" for o in declared if o["name"] != "Note"))
    said = its.rows(f"{stem}-sentences")
    _said(check, [o["text"] for o in said if o["name"].startswith("Sentence")])
    check.take("//ul[@class='changes']/li", *(o["text"] for o in said if o["name"].startswith(CHANGE)))
    when = next(o["text"] for o in declared if o["name"] == "Event, UTC")
    title = text_of(check.page.xpath("//h1")[0])
    assert time_of(f"{when}+00:00").strftime("%-d %B %Y") in title, title
    check.drop(check.page.xpath("//h1")[0])
    answers = its.rows(f"{stem}-answers")
    given = sum(o["refusal"] is None for o in answers)
    check.take(
        "//section[@id='answers']/p[@class='lead']",
        f"{given} of {len(answers)} numbers could be given. "
        "If the data do not support a number, the reason is given instead.",
    )
    least = whole(its.total["least"])
    for line in check.page.xpath("//p[@class='fine'][contains(., 'rounded to multiples of')]"):
        assert re.findall(r"\d+", text_of(line)) == [least], text_of(line)
        check.drop(line)
    notes = [o["text"] for o in declared if o["name"] == "Note"]
    refused: dict[str, dict[str, None]] = {}
    for o in answers:
        if o["refusal"] is not None:
            refused.setdefault(o["refusal"], {})[o["name"]] = None
    check.take("//ul[@class='reasons']/li", *(f"{why}: {', '.join(names)}." for why, names in refused.items()))
    check.take("//ul[@class='notes']/li", *notes)
    few = "1 reason for which numbers are not given" if len(refused) == 1 else (
        f"{len(refused)} reasons for which numbers are not given"
    )  # fmt: skip
    check.take("//section[@id='unknown']//details[not(@class)]/summary", *([few] if refused else []))
    _figures(check, stem, answers)
    found = [row for table in check.page.xpath("//table[contains(@class, 'answers')]") for row in cells(table)]
    questions = list(dict.fromkeys(o["question"] for o in answers))
    wanted = [_answer(o) for question in questions for o in answers if o["question"] == question]
    if found != wanted:
        check.wrong.append(f"{check.name}: {[(a, b) for a, b in zip(found, wanted, strict=False) if a != b][:2]}")
    for table in check.page.xpath("//div[@class='ask']"):
        check.drop(table)
    main = [o for o in its.rows(f"{stem}-periods") if o["reading"] in ("not parallel", "all")]
    check.table("Each period", list(map(_period, main)))
    check.table(
        "Dates without", [[o["label"], o["reading"], number(o["effect"])] for o in its.rows(f"{stem}-placebos")]
    )
    places = [o for o in its.rows(f"{stem}-destinations") if o["reading"] in ("not parallel", "all")]
    check.table("Arrivals by", list(map(_destination, places)))
    pairs = [o for o in its.rows(f"{stem}-pairs") if o["reading"] in ("not parallel", "all")][:SHOWN_PAIRS]
    for caption in check.page.xpath("//caption[contains(., 'pairs with most moves')]"):
        assert text_of(caption) == f"The {len(pairs)} pairs with most moves; p for all pairs at once"
    check.table("The ", list(map(_pair, pairs)))
    for lead in check.page.xpath("//p[@class='lead']"):
        assert set(re.findall(r"\d+", text_of(lead))) <= {least, "5"}, text_of(lead)
        check.drop(lead)


def _figures(check: Check, stem: str, answers: list[Row]) -> None:
    """The three figures of the answer: each has rows, or says why not in the words of an answer."""
    for name in ("curves", "periods", "destinations") if check.files.rows(f"{stem}-sentences") else ():
        figure = {"curves": "removed", "periods": "course", "destinations": "where"}[name]
        drawn = bool(check.page.xpath(f"//figure[@id='figure-{figure}']"))
        if drawn and not check.files.rows(f"{stem}-{name}"):
            check.wrong.append(f"{check.name}: {figure} is drawn of no rows")
        if not drawn:
            (why,) = map(text_of, check.page.xpath(f"//section[@id='{figure}']//p[@class='refused']"))
            refusals = {o["refusal"] for o in answers}
            if re.search(r"\d", why) and why.removeprefix("Not drawn: ").removesuffix(".") not in refusals:
                check.wrong.append(f"{check.name}: {why} is of no answer")
    for one in check.page.xpath("//div[contains(@class, 'lacking')]"):
        check.drop(one)
    for curve in check.page.xpath("//figure[@id='figure-removed']"):
        said = {squeezed("".join(one.itertext())) for one in curve.xpath(".//*[local-name()='title']")}
        for o in check.files.rows(f"{stem}-curves"):
            ends = f", {o['low']:.0%} to {o['high']:.0%}" if o["low"] is not None else ""
            mark = f"{o['area']} {o['when']}: {o['removed']:.0%} within 24 h{ends}"
            if o["hour"] == 24.0 and mark not in said:
                check.wrong.append(f"{check.name}: the curves lack {mark}")


def _ends(o: Row) -> str:
    fields = {name: o.get(name) for name in Answer.__dataclass_fields__}
    return interval(Answer(**fields))  # type: ignore[arg-type]  # as read


def _answer(o: Row) -> list[str]:
    told = [o["name"], o["reading"]]
    if o["refusal"] is not None:
        return [*told, f"No number: {o['refusal']}.{' (' + o['note'] + ')' if o['note'] else ''}"]
    value = _ends(o)
    if o["estimate"] is not None:
        value = number(o["estimate"]) + (f" ({_ends(o)})" if o["low"] is not None else "")
    p = NOTHING if o["p"] is None else f"{p_value(o['p'])} ({p_value(o['smallest_p'])})"
    p += f", {o['test']} {p_value(o['adjusted'])}" if o["adjusted"] is not None else ""
    return [*told, squeezed(f"{value} {o['unit']}"), p, f"{thousands(o['n'])} {o['n_of']}", squeezed(o["note"])]


def _period(o: Row) -> list[str]:
    counts = [thousands(o[name]) for name in ("target", "control", "buffer", "buffer_control", "reports")]
    p = NOTHING if o["p"] is None else f"{p_value(o['p'])} ({p_value(o['smallest_p'])})"
    return [str(o["age"]), minute_of(o["begins_at"]), *counts, number(o["gap"]), p]


def _destination(o: Row) -> list[str]:
    bounds = NOTHING if o["low"] is None else f"{percent(o['low'])} to {percent(o['high'])}"
    told = [o["name"], thousands(o["before"]), thousands(o["after"]), percent(o["share_after"]), bounds]
    return [*told, thousands(o["control_before"]), thousands(o["control_after"])]


def _pair(o: Row) -> list[str]:
    ends = f"{o['from_name']} → {o['to_name']}"
    return [ends, thousands(o["moves"]), number(o["lift"]), p_value(o["destination_p"]), p_value(o["timing_p"])]


def method(check: Check) -> None:
    """Tables with their rows, methods, terms."""
    its = check.files
    packaged = json.loads((its.folder / "datapackage.json").read_text())["resources"]
    expected: dict[str, tuple[str, str]] = {}
    for resource in packaged:
        name = resource["name"]
        left_out = json.loads((its.folder / f"{name}.json").read_text())["left_out"]
        expected[name] = f"{len(its.rows(name)):,}", f"{left_out:,}"
    found: dict[str, Any] = {}
    for table in check.page.xpath("//table[caption='Tables']"):
        found = {row[0]: (row[3], row[4]) for row in cells(table)}
        check.drop(table)
    if found != expected:
        check.wrong.append(f"{check.name}: {set(found.items()) ^ set(expected.items())}")
    least = its.total["least"]
    check.table(
        "Removal after a change",
        [
            [
                o["what"],
                number(o["ratio"]),
                NOTHING if o["low"] is None else f"{number(o['low'])} to {number(o['high'])}",
                p_value(o["p"]),
                thousands(o["clocks"]),
                thousands(o["of_clocks"]),
            ]
            for o in its.rows("notice-effects")
        ],
        whole(least),
    )
    infos = [json.loads((its.folder / f"{name}.json").read_text()) for name in expected]
    methods = {info["method"] for info in infos}
    for line in check.page.xpath("//section[h2[@id='estimates']]//dd"):
        assert text_of(line) in {squeezed(text) for text in methods}, text_of(line)
        check.drop(line)
    for table in check.page.xpath("//table[caption='Data sets and their licences']"):
        for name, words in cells(table):
            assert f"{name}: {words}" in its.readme
        check.drop(table)
    for paragraph in check.page.xpath("//p"):
        plain = bare = without_constants(text_of(paragraph))
        for word in (f"fewer than {whole(least)} sites", its.info["run"], its.info["version"], "CC-BY-4.0"):
            bare = bare.replace(word, "")
        if bare != plain:
            assert not re.search(r"\d", bare.replace(its.info["protocol"], "")), bare
            check.drop(paragraph)


PAGES = {
    "index": overview,
    "letter": letter,
    "ranking": ranking,
    "hosters": sheet,
    "quality": quality,
    "displacement": displacement,
    "interventions": event,
    "method": method,
}
"""What each kind of page should say."""
