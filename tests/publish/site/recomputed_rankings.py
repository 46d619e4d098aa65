"""Texts of the first page and of rankings, worked out from files."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.publish.site.recomputed import (
    Check,
    Row,
    minute_of,
    one_or_range,
    places_cell,
    share_cell,
    slowest_first,
    spread,
    squeezed,
    text_of,
    way,
    whole,
)
from tests.publish.site.recomputed_letter import MEDIUMS, coverage_of
from waterbed.measures.removal_curves import MARKS_H
from waterbed.measures.speed_ranks import slowest_of
from waterbed.model.spelling import NOTHING, number, percent
from waterbed.publish.site.overview import SHOWN, WEEKS
from waterbed.shown.layout import thousands
from waterbed.shown.rankings import CLASSES, NAMED, slow_words


def answer_in(rows: Sequence[Mapping[str, Any]]) -> str:
    """The answer to an event, without what would change it."""
    return " ".join(row["text"] for row in rows if row["name"].startswith("Sentence"))


def answers(check: Check) -> None:
    """Each event with its answer, on the first page."""
    for one in check.page.xpath("//dl[@class='events']/div"):
        stem = one.xpath(".//a/@href")[0].removesuffix(".html")
        said = answer_in(check.files.rows(f"{stem}-sentences")) if check.files.has(f"{stem}-sentences") else "Refused"
        if squeezed(said) not in text_of(one):
            check.wrong.append(f"{check.name}: {text_of(one)} lacks {said}")
        check.drop(one)


def _within_weeks(check: Check, day: str) -> bool:
    """True if a day is in or between the last weeks of hosters."""
    weeks = sorted({row["window"] for row in check.files.rows("weeks-hoster")})[-WEEKS:]
    year, number, _ = datetime.strptime(day, "%d %B %Y").isocalendar()
    return bool(weeks) and weeks[0] <= f"{year}-W{number:02}" <= weeks[-1]


def _marked(check: Check) -> str:
    """The events among the last weeks, as weekly lines say them; the page names them once more."""
    marked = [
        f"{e['title'].rpartition(', ')[0]}, {e['day']}" for e in check.files.events if _within_weeks(check, e["day"])
    ]
    for line in check.page.xpath("//p[@class='fine'][starts-with(normalize-space(.), 'Upright lines')]"):
        wanted = f"Upright lines in the weeks: {'; '.join(marked)}. What was done, and what it came to."
        if text_of(line) != wanted:
            check.wrong.append(f"{check.name}: {text_of(line)} is not {wanted}")
        check.drop(line)
    noun = "Events" if len(marked) > 1 else "Event"
    return f". {noun}: {'; '.join(marked)}." if marked else ""


def overview(check: Check) -> None:
    """The first page."""
    its, total = check.files, check.files.total
    ranking, places = its.rows("ranking-hoster"), its.places("hoster")
    below = sorted(
        (row for row in ranking if places.get(row["key"], {}).get("below_norm")),
        key=slowest_first,
    )
    assert total["below_norm"] == (None if total["norm_share"] is None else len(below))
    assert {place["norm"] for place in places.values()} <= {total["norm_share"], None}
    hosters = [row for row in ranking if row["key"] != "unknown"]
    assert (total["hosters"], total["hosters_with_share"]) == (
        len(hosters), sum(row["removed_24h_low"] is not None for row in hosters),
    )  # fmt: skip
    slow = sorted((r for r in ranking if r["removed_24h_low"] is not None), key=slowest_first)
    passages, held = its.rows("data/passages"), [r for r in its.rows("data/quarantines") if r["status"] == "open"]
    outcomes = its.rows("data/outcomes")
    undecided = sum(row["looks"] for row in outcomes if row["state"] == "unknown")
    assert (total["looks_undecided"], total["quarantines_open"]) == (undecided, len(held))
    if passages:
        assert total["hops"] == sum(row["hops"] for row in passages)
        assert total["hops_certain"] == sum(row["certain"] for row in passages)
    one = "hoster" if len(hosters) == 1 else "hosters"
    much = (
        f"{whole(total['urls'])} URLs were reported, {whole(total['reports'])} times; {whole(total['looks'])} checks "
        f"were made of them. {len(hosters)} {one} with at least {whole(total['least'])} reported sites "
        f"{'is' if len(hosters) == 1 else 'are'} in the ranking, and for {whole(total['hosters_with_share'])} "
        "of them a share removed can be given."
    )
    lines = [much]
    if slow:
        norm = percent(total["norm_share"])
        names = ", ".join(row["name"] for row in below[:NAMED]) + _more(below)
        few = "hoster" if len(below) == 1 else "hosters"
        first = (
            f"{len(below)} {few} surely removed less than {norm} within 24 hours: {names}; the"
            if below
            else "No share was tested against a norm. The"
            if total["norm_share"] is None and its.of_reports
            else "Only shares from the report are held against a norm. The"
            if total["norm_share"] is None
            else f"None surely removed less than {norm} within 24 hours; that is no proof that all removed as much. The"
        )
        ends = f"{percent(slow[0]['removed_24h_low'])} to {percent(slow[0]['removed_24h_high'])}"
        share = one_or_range(slow[0])
        also = f"; {coverage_of(ranking)[0]}" if coverage_of(ranking)[0] else ""
        lowest = "lowest" if len(slow) > 1 else "only"
        lines.append(f"{first} {lowest} share is that of {slow[0]['name']}: {share}, 95% interval {ends}{also}.")
    if total["hops"]:
        leaving = [row for row in passages if row["passage"] == "leaves home"]
        may = [row for row in passages if row["passage"] in ("leaves home", "unknown", None)]
        least, most = sum(row["certain"] for row in leaving), sum(row["hops"] for row in may)
        lines.append(
            f"Between {least} and {most} of {whole(total['hops'])} hops left NL. The lower number is of hops that "
            "surely left; the higher adds those whose order or country is unknown or held back."
        )
    else:
        lines.append(
            f"Hops are of fewer than {whole(total['least'])} sites, so they are held back."
            if total["hops"] is None
            else "No hop was seen: no content was up at another hoster after leaving one."
        )
    lines += _changes(check, its.rows("changes-hoster"))
    lines.append(
        f"{_opened(held, total)} {undecided:,} of the checks are undecided: they count neither as up nor as down."
    )
    check.take("//section[@class='findings']/ul/li", *lines)
    covered = coverage_of(ranking)[0] if slow else ""
    check.take("//p[@class='covered']", *([f"O{covered[1:]}: the others may be slower."] if covered else []))
    if len(slow) == 1:
        check.take("//section[@aria-labelledby='slowest']/p[@class='nothing']", _alone(slow[0]))
    else:
        _slowest(check, slow[:SHOWN], places)
    _curves_and_beyond(check)
    hops = sum(row["hops"] for row in passages)
    check.table(
        "Hops by passage",
        [[way(row["passage"]), percent(row["hops"] / hops), str(row["hops"]), str(row["certain"])] for row in passages],
    )
    check.take("//section[h2[@id='goes']]/p[@class='lead']", *(
        [f"Hops: the same content up at another hoster after leaving one. All {hops:,} of them by whether NL was left."]
        if passages else []
    ))  # fmt: skip
    check.table(
        "Open quarantines",
        [[row["what"], *map(minute_of, (row["began_at"], row["ended_at"])), row["figures"]] for row in held],
    )


def _opened(held: list[Row], total: Mapping[str, Any]) -> str:
    """What quarantines are open."""
    other = sum(row["kind"] in ("canary", "feed") for row in held)
    assert other == total["quarantines_open_no_verdict"]
    outages = len(held) - other
    they, are = ("it", "quarantine is") if outages == 1 else ("them", "quarantines are")
    word, change = ("quarantine", "is open: it changes") if other == 1 else ("quarantines", "are open: they change")
    said = [
        f"{outages} {are} open: what was seen down in {they} counts as undecided until a person decides."
        if outages
        else "",
        f"{other} {word} of our own network or of a delivery {change} no verdict." if other else "",
    ]
    return " ".join(filter(None, said)) or "No quarantine is open."


def _alone(row: Row) -> str:
    return f"Only {row['name']} has a share, so none can be called the slowest: the ranking."


def _slowest(check: Check, slow: list[Row], places: dict[str, Row]) -> None:
    """The slowest hosters, each with its weeks."""
    weeks, events = check.files.rows("weeks-hoster"), _marked(check)
    labels = sorted({row["window"] for row in weeks})[-12:]
    said = [
        squeezed("".join(one.itertext())) for one in check.page.xpath("//td[@class='weekly']//*[local-name()='desc']")
    ]
    told = {row["key"]: _weeks(row["key"], labels, weeks, events) for row in slow}
    if said != [line for line in told.values() if line]:
        check.wrong.append(f"{check.name}: weekly lines say {said}")
    check.table(
        f"The {len(slow)} hosters with the lowest",
        [
            [
                row["name"],
                check.files.rows(f"hosters/{check.files.sheets[row['key']].stem}-numbers")[0]["seat"] or NOTHING,
                share_cell(row),
                *([places_cell(places.get(row["key"]))] if check.files.of_reports else []),
                "" if told[row["key"]] else "no share",
            ]
            for row in slow
        ],
        str(len(labels)),
    )


def _curves_and_beyond(check: Check) -> None:
    _curves(check)
    _beyond(check)


def _beyond(check: Check) -> None:
    """What was reported where no hoster can be told, too."""
    told = [
        f"To {MEDIUMS[row['medium']]}, at home and abroad alike: {row['least']:,} to {row['most']:,} contents went "
        f"there after they left a hoster, of at least {row['contents']:,} reported there too. Nobody checks there, so "
        "no order is known. beyond.csv, .json"
        for row in check.files.rows("beyond")
    ]
    check.take("//p[@class='beyond']", *told)


CHANGED = {
    "came": ("hoster came into the ranking", "hosters came into the ranking"),
    "went": ("hoster is no longer in the ranking", "hosters are no longer in the ranking"),
    "class": ("hoster has another class", "hosters have another class"),
    "share": (
        "hoster has a share removed outside its interval of then",
        "hosters have a share removed outside their interval of then",
    ),
}


def _changes(check: Check, rows: list[Row]) -> list[str]:
    """What changed since the edition before, in words; the finding that something did is returned."""

    def told(o: Row) -> str:
        if o["change"] == "class":
            return f"{o['name']} ({o['class_before']} before, {o['class_now']} now)"
        if o["change"] == "share":
            then = f"{percent(o['removed_before_low'])} to {percent(o['removed_before_high'])}"
            before, now = percent(o["removed_before"]), percent(o["removed_now"])
            return f"{o['name']} ({before} before, 95% interval {then}; {now} now)"
        return str(o["name"])

    lines = []
    for change, (one, many) in CHANGED.items():
        if own := [row for row in rows if row["change"] == change]:
            named = "; ".join(map(told, own[:NAMED])) + (f";{_more(own)}" if _more(own) else "")
            lines.append(f"{len(own)} {one if len(own) == 1 else many}: {named}")
    method = json.loads((check.files.folder / "changes-hoster.json").read_text())["method"]
    since = re.search(r"against the edition with checks to (\S+ \S+)$", method)
    inside = "//section[h2[@id='changed']]"
    check.take(f"{inside}/p[@class='lead']", *(
        [f"Compared with the edition whose checks end at {since[1]} UTC, hosters only."] if since else []
    ))  # fmt: skip
    check.take(f"{inside}/ul/li", *lines)
    assert since or not rows
    check.take(f"{inside}/p[not(@class)]", *(
        ["No hoster came into the ranking or left it, none has another class, and no share removed lies outside its "
         "interval of then."] if since and not rows else []
    ))  # fmt: skip
    few = "hoster" if len(rows) == 1 else "hosters"
    return [f"{len(rows)} {few} changed since the last edition: what changed."] if rows else []


def _more(rows: list[Row]) -> str:
    """How many are not named."""
    return f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""


def _weeks(key: str, labels: list[str], weeks: list[Row], events: str) -> str:
    """What a weekly line says; "" where no week has a share."""
    shares = {row["window"]: row["removed_24h"] for row in weeks if row["key"] == key}
    known = [f"{week} {percent(shares[week])}" for week in labels if shares.get(week) is not None]
    return f"removed within 24 hours by week: {', '.join(known)}{events}" if known else ""


def _curves(check: Check) -> None:
    """Shares by hour; the one within 24 hours is that of the ranking."""
    curves: dict[tuple[str, str], dict[float, float]] = {}
    for row in check.files.rows("data/curves"):
        curves.setdefault((row["key"], row["name"]), {})[row["hour"]] = row["removed"]
    check.table(
        "Share removed by hours since",
        [[name, *(percent(own.get(float(hour))) for hour in MARKS_H)] for (_, name), own in curves.items()],
        *(f"{hour:g}" for hour in (*MARKS_H, 7)),
    )
    for (key, _), own in curves.items():
        said = check.files.by_key("ranking-hoster")[key]["removed_24h"]
        if said is None:
            continue
        assert abs(own[24.0] - said) < 2e-6, (key, own[24.0], said)  # the curve and the ranking say the same


def _norm_words(place: Row | None) -> str:
    if place and place["below_norm_but_for"]:
        decide = "report decides" if place["below_norm_but_for"] == 1 else "reports decide"
        return f"below the norm? {place['below_norm_but_for']:,} {decide}"
    return "below the norm" if place and place["below_norm"] else ""


def ranking(check: Check) -> None:
    """A ranking by any kind."""
    its, kind = check.files, "hoster"
    if found := re.fullmatch(r"ranking-(\w+)\.html", check.name):
        kind = found[1]
    rows, places, volumes = its.rows(f"ranking-{kind}"), its.places(kind), its.by_key(f"volume-{kind}")
    most = max([place["place_high"] or 0 for place in places.values()], default=0)
    shared = sum(place["place_low"] is not None for place in places.values())
    slow = slow_words(slowest_of(shared))

    def entry(row: Row) -> list[str]:
        place = places.get(row["key"])
        code = f" {row['key']}" if row["key"] != row["name"] else ""
        norm = _norm_words(place)
        told = [str(row["place"] if row["place"] is not None else NOTHING), row["name"] + code, f"{row['hosts']:,}"]
        told.append(share_cell(row, norm))
        if most:
            told.append(places_cell(place))
            told.append(percent(place["among_worst"]) if place and place["place_low"] else NOTHING)
        return told

    def numbers(row: Row) -> list[str]:
        place, volume = places.get(row["key"]), volumes.get(row["key"])
        worst, best = row["removed_24h_worst"], row["removed_24h_best"]
        told = [row["name"], f"{row['urls']:,}", f"{row['sites']:,}", one_or_range(row)]
        told += [
            percent(row["removed_or_moved_24h"]),
            NOTHING if worst is None else spread(percent(worst), percent(best)),
        ]
        told += [number(row["median_h"]), f"{row['episodes']:,}", f"{row['first_down']:,}", f"{row['unknown']:,}"]
        if any(one["routed_v4"] is not None for one in volumes.values()):
            told.append(thousands(volume["routed_v4"]) if volume else NOTHING)
        if any(one["shrunk"] is not None for one in volumes.values()):
            known = volume and volume["shrunk"] is not None
            ends = f"{number(volume['shrunk_low'])} to {number(volume['shrunk_high'])}" if known and volume else ""
            told.append(f"{number(volume['shrunk'])} {ends}" if known and volume else NOTHING)
        if most:
            low, high = (place["without_one_low"], place["without_one_high"]) if place else (None, None)
            told.append(NOTHING if low is None else spread(percent(low), percent(high)))
        return [*told, row["class"]]

    titles = " ".join(check.page.xpath("//abbr/@title"))
    assert not most or f"Probability, at least, to be {slow}" in titles
    check.table("Ranking by ", [entry(row) for row in rows], *re.findall(r"\d+", slow))
    check.table("The same ", [numbers(row) for row in rows])
    _readings(check, rows, places, most, f"places-{kind}.csv, .json")
    for paragraph in check.page.xpath("//p[@class='fine']"):
        said = text_of(paragraph)
        if found := re.match(r"Left out: (?:at least ([\d,]+)|any) .* fewer than (\d+) sites", said):
            left_out = json.loads((its.folder / f"ranking-{kind}.json").read_text())["left_out"]
            assert (found[1] or "0", found[2]) == (f"{left_out:,}", whole(its.total["least"]))
            check.drop(paragraph)
        elif found := re.fullmatch(r"None is left out: no [a-z A-Z]+ has fewer than (\d+) sites\.", said):
            assert found[1] == whole(its.total["least"]) == "1"
            check.drop(paragraph)
        elif found := re.match(r"([\d,]+) rows: ([\d,]+) ", said):
            assert (found[1], found[2]) == (f"{len(rows):,}", f"{len(rows) - 1:,}")
            check.drop(paragraph)
    assert all(row["class"] in CLASSES for row in rows)


def _readings(check: Check, rows: list[Row], places: dict[str, Row], most: int, pairs: str) -> None:
    """How to read a row, and names below the norm."""
    rate = check.files.total["norm_rate"]
    below = [row for row in rows if places.get(row["key"], {}).get("below_norm")]
    readings = check.page.xpath("//p[@class='reading']")
    first = next((row for row in rows if row["removed_24h_low"] is not None), None)
    texts = list(map(text_of, readings))
    if first:
        place = places.get(first["key"])
        said = (
            f"How to read a row. {first['name']} had reported content on {first['hosts']:,} hosts. It removed "
            f"{one_or_range(first)} within 24 hours; if it goes on in the same way, "
            f"{percent(first['removed_24h_low'])} to {percent(first['removed_24h_high'])} "
            "is to be expected (95% interval)."
        )
        if place and place["place_low"]:
            low, high = place["place_low"], place["place_high"]
            at = f"stands at place {low}" if low == high else f"may stand anywhere from place {low} to {high}"
            said += f" By speed it {at} of {most}, counted from the slowest"
            said += "." if low == high else ": the data do not say where in that span."
            names = {row["key"]: row["name"] for row in rows}
            slower = [names[key] for key in place["slower_than"]]
            if slower:
                more = f" and {len(slower) - NAMED} more" if len(slower) > NAMED else ""
                said += f" It is surely slower than {', '.join(slower[:NAMED])}{more}."
            said += f" Where places overlap, the file of places says which pairs are sure: {pairs}."
        if texts[:1] != [squeezed(said)]:
            check.wrong.append(f"{check.name}: {texts[:1]} is not {said}")
    tested = {place["norm"] for place in places.values()} - {None}
    if most and tested:
        (share,) = tested
        norm = percent(share)
        wanted = f"{len(below)} " if below else "None of the"
        if not texts[-1].startswith(f"Surely below the norm. {wanted}") or norm not in texts[-1]:
            check.wrong.append(f"{check.name}: {texts[-1]} does not begin with {wanted}")
        if below and f"on average at most {percent(rate)} of the names given by this rule are wrong" not in texts[-1]:
            check.wrong.append(f"{check.name}: {texts[-1]}")
        for row in sorted(below, key=slowest_first)[:12]:
            assert row["name"] in texts[-1]
    for paragraph in readings:
        check.drop(paragraph)
