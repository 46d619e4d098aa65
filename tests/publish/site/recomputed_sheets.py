"""Texts of sheets and of data quality, worked out from files."""

import re
from pathlib import Path

from tests.publish.site.recomputed import (
    Check,
    Row,
    Rows,
    minute_of,
    one_or_range,
    places_cell,
    spread,
    text_of,
    way,
    whole,
)
from waterbed.measures.speed_ranks import slowest_of
from waterbed.model.spelling import NOTHING, number, percent
from waterbed.publish.site.hoster import CAUSE_WORDS
from waterbed.publish.site.quality import hours
from waterbed.shown.rankings import CLASSES, slow_words


def _seldom(check: Check, row: Row) -> str:
    """The reason for which a share has neither curve nor median, where more than a tenth were first found down."""
    if row["removed_24h_low"] is None or row["first_down"] <= 0.1 * row["episodes"]:
        return ""
    why = f"{row['first_down']:,} of {row['episodes']:,} were down at our first check, so when they ended is not known"
    check.take("//p[@class='nothing'][starts-with(., 'No curve')]", f"No curve: {why}.")
    return why


def sheet(check: Check) -> None:
    """A hoster's sheet."""
    its, stem = check.files, f"hosters/{Path(check.name).stem}"
    key = its.key(its.folder / check.name)
    row, place = its.by_key("ranking-hoster")[key], its.places("hoster").get(key)
    more, shares = its.rows(f"{stem}-numbers")[0], its.rows(f"{stem}-shares")
    most = max([one["place_high"] or 0 for one in its.places("hoster").values()], default=0)
    shared = sum(one["place_low"] is not None for one in its.places("hoster").values())
    slow = slow_words(slowest_of(shared))
    about = key + (f" · seat {more['seat']}" if more["seat"] else "")
    systems = [f"AS{one}" for one in more["origins"]]
    further = f" and {len(systems) - 6} more" if len(systems) > 6 else ""
    about += f" · {', '.join(systems[:6])}{further}" if systems else ""
    check.take("//h1", row["name"])
    check.take("//p[@class='about']", about)
    least = whole(its.total["least"])
    for paragraph in check.page.xpath("//p[@class='nothing'][contains(., ' flow ')]"):
        assert re.findall(r"\d+", text_of(paragraph)) == [least]
        check.drop(paragraph)
    for link in check.page.xpath("//a[contains(., '-numbers.csv')]"):
        check.drop(link)
    at = f"; place {row['place']} by hosts" if row["place"] else ""
    boxes = [f"{row['hosts']:,}hosts with reported content{row['urls']:,} URLs, {row['sites']:,} sites{at}"]
    ends = f"95% interval {percent(row['removed_24h_low'])} to {percent(row['removed_24h_high'])}"
    boxes.append(
        f"{one_or_range(row)}removed within 24 hours{ends} of the share to expect if it goes on in the same way"
        f"{_down_words(row)}"
        if row["removed_24h_low"] is not None
        else f"{NOTHING}{row['class']}{CLASSES[row['class']]}"
    )
    seldom = _seldom(check, row)
    boxes.append(
        f"{number(row['median_h'])} huntil half was goneby any cause; {number(row['median_h_low'])} to "
        f"{number(row['median_h_high']) if row['median_h_high'] is not None else 'later than followed'}"
        if row["median_h"] is not None
        else f"{NOTHING}until half was gone"
        + (
            "only where a share is given"
            if row["removed_24h_low"] is None
            else f"not given: {seldom}"
            if seldom
            else "not given: half stayed longer than it was followed, or too few sites were followed so long"
        )
    )
    boxes.append(
        f"{places_cell(place)}place by speed of {most}, 1 is the slowest"
        f"probability of at least {percent(place['among_worst'])} to be {slow}"
        if place and place["place_low"]
        else f"{NOTHING}place by speedonly where a share {'is given' if its.of_reports else 'runs from the report'}"
    )
    check.take("//section[@class='numbers']/div", *boxes)
    causes: Rows = []
    for cause, word in CAUSE_WORDS.items():
        own = [one for one in shares if one["cause"] == cause]
        if shares and (cause == "removed" or any(one["share"] for one in own)):
            causes.append([word, *map(_share_with_ends, own)])
    check.table("Share ended, with 95%", causes, *marks_of(shares))
    day = next((one for one in shares if (one["cause"], one["within_h"]) == ("removed", 24.0)), None)
    asked = ("removed_24h", "removed_24h_low", "removed_24h_high") if row["removed_24h_low"] is not None else ()
    for name, told in zip(("share", "low", "high"), asked, strict=False):
        if not seldom and (not day or day[name] is None or abs(day[name] - row[told]) > 2e-6):
            check.wrong.append(f"{check.name}: {name} of {day} is not {row[told]}")
    if row["class"] in ("unmeasurable", "views differ") and (shares or its.has(f"{stem}-curves")):
        check.wrong.append(f"{check.name}: the ranking withholds the share of class {row['class']}, {day} gives it")
    for paragraph in check.page.xpath("//p[@class='fine'][contains(., 'On average a URL stayed')]"):
        mean = f"{number(more['mean_h'])} of the first {number(more['within_h'])} hours"
        mean += f" ({number(more['mean_low'])} to {number(more['mean_high'])})."
        if f"On average a URL stayed {mean}" not in text_of(paragraph):
            check.wrong.append(f"{check.name}: {text_of(paragraph)} lacks {mean}")
        check.drop(paragraph)
    _notices(check, [one for one in its.rows("compliance-hoster") if one["key"] == key], more)
    weeks = sorted((one for one in its.rows("weeks-hoster") if one["key"] == key), key=lambda one: one["window"])
    check.table("Removed within 24 hours, by week", list(map(_week, weeks)))
    _events(check, key)
    flows = its.rows("flows")
    for caption, mine, other in (("Leaves for", "from", "to"), ("Arrives from", "to", "from")):
        own = [one for one in flows if one[f"{mine}_key"] == key]
        check.table(
            caption,
            [[one[f"{other}_name"], way(one["passage"]), f"{one['hops']:,}", f"{one['certain']:,}"] for one in own],
        )
    _facts(check, row, place, its.by_key("volume-hoster").get(key))


def _events(check: Check, key: str) -> None:
    """Shares before and after the events against a hoster, and links to those that name it beside others."""
    against = [event for event in check.files.events if event["target"] == key]
    rows = [[event["title"], *map(_before_or_after, _shares(check, event))] for event in against]
    check.table("Removed within 24 hours of the report, by an event", rows)
    beside = [event["title"] for event in check.files.events if key in event["others"]]
    check.take("//section[@aria-labelledby='events']/p/a", *beside)


def _shares(check: Check, event: Row) -> list[Row]:
    answers = {o["name"]: o for o in check.files.rows(f"{event['stem']}-answers")}
    return [answers[f"removed {when}, target"] for when in ("before", "after")]


def _before_or_after(o: Row) -> str:
    if o["refusal"] is not None:
        return f"no number: {o['refusal']}"
    said = f"{percent(o['estimate'])} of {o['n']:,}"
    return f"{said} reports alone" if o["low"] is None else f"{said} {percent(o['low'])} to {percent(o['high'])}"


def _down_words(row: Row) -> str:
    if not row["first_down"]:
        return ""
    down = f"; {row['first_down']:,} of {row['episodes']:,} were down at our first check: fast removal, wrong"
    return f"{down} reports and content hidden from our checks look alike"


def _week(one: Row) -> list[str]:
    worst, best = one["removed_24h_worst"], one["removed_24h_best"]
    bounds = NOTHING if worst is None else spread(percent(worst), percent(best))
    said = one_or_range(one) if worst is not None else str(one["class"])
    return [one["window"], said, bounds, f"{one['urls']:,}", f"{one['sites']:,}"]


def marks_of(shares: list[Row]) -> list[str]:
    """Hours at which shares are told; 7 for the last, in days."""
    return [f"{one['within_h']:g}" for one in shares] + ["7"]


def _share_with_ends(one: Row) -> str:
    if one["share"] is None:
        return NOTHING
    ends = f"{percent(one['low']).replace('%', '')}{NOTHING}{percent(one['high'])}" if one["low"] is not None else ""
    return f"{percent(one['share'])}{ends}"


def _notices(check: Check, rows: list[Row], more: Row) -> None:
    def ends(one: Row) -> str:
        if one["removed_low"] is None:
            return str(one["class"])
        return f"{percent(one['removed_low'])} to {percent(one['removed_high'])}"

    every = [one for one in rows if not one["week"]]
    weeks = sorted((one for one in rows if one["week"] and one["within_h"] == 24.0), key=lambda one: one["week"])
    check.table(
        "Removed after the notice",
        [
            [f"{number(o['within_h'])} h", one_or_range(o, "removed"), ends(o), whole(o["clocks"]), whole(o["before"])]
            for o in every
        ],
    )
    check.table(
        "Removed within 24 hours of the notice",
        [[one["week"], one_or_range(one, "removed"), ends(one), whole(one["clocks"])] for one in weeks],
    )
    for lead in check.page.xpath("//p[@class='lead'][starts-with(., 'Trend: ')]"):
        slope, low, high = (
            f"{100 * more[name]:+.1f}".replace("-", "\N{MINUS SIGN}") for name in ("slope", "slope_low", "slope_high")
        )
        wanted = f"by {slope} points a week; 95% interval {low} to {high}, over {more['slope_weeks']} weeks."
        if wanted not in text_of(lead):
            check.wrong.append(f"{check.name}: {text_of(lead)} lacks {wanted}")
        check.drop(lead)


def _facts(check: Check, row: Row, place: Row | None, volume: Row | None) -> None:
    """The list of all numbers of a sheet."""
    lines = [
        f"Class{row['class']}: {CLASSES[row['class']]}",
        f"Hosts{row['hosts']:,}; {number(row['hosts_fractional'])} "
        "if each is shared among the hosters of its addresses",
        f"Takedown clocks{row['episodes']:,}, of URLs with a decided check",
    ]
    if row["removals"]:
        batch = "batch" if row["batches"] == 1 else "batches"
        removals = "removal" if row["removals"] == 1 else "removals"
        seen = f"{row['removals']:,} {removals} of content that was seen up"
        lines.append(f"Batches{seen} came in {row['batches']:,} {batch} or more")
    lines.append(
        f"First found down{row['first_down']:,} of {row['episodes']:,} takedown clocks: URLs down at our first check, "
        "seen up by nobody but the report; fast removal, wrong reports and content hidden from our checks look alike"
    )
    lines.append(f"Undecided{row['unknown']:,} URLs without a decided check, not among the clocks")
    if row["removed_24h_low"] is not None:
        lines.append(f"Removed or moved within 24 h{percent(row['removed_or_moved_24h'])}: upper bound")
    if row["removed_24h_worst"] is not None:
        bounds = spread(percent(row["removed_24h_worst"]), percent(row["removed_24h_best"]))
        lines.append(
            f"Worst to best case{bounds}: the share if nothing was removed that we could not follow or that none "
            "of our checks, or too few, saw up, and if all of it was"
        )
    if row["removed_24h_if_hiding"] is not None:
        lines.append(
            f"If it hid content{percent(row['removed_24h_if_hiding'])} or more: the share surely removed even if each "
            "of our checks could be the last that it answered truly; lower 95% bound"
        )
    if volume and volume["routed_v4"] is not None:
        lines.append(f"Size{volume['routed_v4']:,} IPv4 addresses routed to it")
    if volume and volume["shrunk"] is not None:
        ends = f"({number(volume['shrunk_low'])} to {number(volume['shrunk_high'])})"
        lines.append(
            f"Against size{volume['sites']:,} sites where {number(volume['expected'])} were expected; "
            f"{number(volume['shrunk'])} times {ends} after shrinking towards the common mean"
        )
    if place and place["without_one_low"] is not None:
        bounds = spread(percent(place["without_one_low"]), percent(place["without_one_high"]))
        lines.append(f"Without one site{bounds} removed, whichever site is left out")
    check.take("//dl[@class='facts']/div", *lines)


def quality(check: Check) -> None:
    """Data quality."""
    its = check.files
    outcomes, canaries, held = (its.rows(f"data/{name}") for name in ("outcomes", "canaries", "quarantines"))
    looks, undecided = sum(one["looks"] for one in outcomes), its.total["looks_undecided"]
    (lag,) = its.rows("data/schedule")
    now, made = (
        nothing if lag[name] is None else "late" if lag[name] > lag["promised_s"] else "in time"
        for name, nothing in (("oldest_s", "nothing"), ("taken_p95_s", "none"))
    )
    open_checks = "noneof the checks is due"
    if lag["oldest_s"] is not None:
        open_checks = f"{hours(lag['oldest_s'])}since the oldest open check was due"
    promised = f"promised within {hours(lag['promised_s'])}; due now: {now}; made in the last hour: {made}"
    if lag["taken_p95_s"] is not None:
        promised += f", 95% within {hours(lag['taken_p95_s'])}"
    vantages = "vantage" if len(canaries) == 1 else "vantages"
    failed, all_looks = (sum(one[name] for one in canaries) for name in ("failed", "looks"))
    check.take(
        "//section[@class='numbers']/div",
        f"{percent(undecided / looks if looks else None)}of checks undecided{whole(undecided)} of {looks:,}; they "
        "count neither as up nor as down",
        f"{failed:,}canary checks failedof {all_looks:,}, from {len(canaries)} {vantages}",
        f"{whole(its.total['quarantines_open'])}quarantines open{len(held)} in all",
        f"{open_checks}{promised}",
    )
    check.table("Each source", list(map(_card, its.rows("feeds"))))
    check.table(
        "Canary checks",
        [
            [
                o["vantage"],
                f"{o['looks']:,}",
                f"{o['failed']:,}",
                f"{minute_of(o['last'])}, {'well' if o['last_ok'] else 'failed'}",
            ]
            for o in canaries
        ],
    )
    days = [o for o in its.rows("data/canary-days") if o["failed"]]
    check.table("Days with failed", [[o["day"], o["vantage"], f"{o['failed']:,}", f"{o['looks']:,}"] for o in days])
    check.table(
        "Quarantines",
        [[o["what"], minute_of(o["began_at"]), minute_of(o["ended_at"]), o["figures"], o["status"]] for o in held],
    )
    oldest = "none" if lag["oldest_s"] is None else f"due {hours(lag['oldest_s'])} ago"
    last = f"Last hour{lag['taken']:,} checks made"
    if lag["taken_p50_s"] is not None:
        half, most = hours(lag["taken_p50_s"]), hours(lag["taken_p95_s"])
        last += f", half of them within {half} of when they were due, 95% within {most}"
    check.take(
        "//dl[@class='facts']/div",
        f"Due now{lag['due']:,} checks",
        f"Oldest of these{oldest}; promised within {hours(lag['promised_s'])}",
        f"Due now, and later than promised{lag['overdue']:,}",
        last,
    )
    check.table(
        "Outcomes of",
        [
            [o["outcome"].replace("_", " "), o["state"], f"{o['looks']:,}", percent(o["looks"] / looks)]
            for o in outcomes
        ],
        f"{looks:,}",
    )
    check.table("Dated tables", list(map(_dated, its.rows("data/tables-used"))))
    word = its.total["looks_hoster_word"]
    check.take("//p[contains(., 'rest on the hoster')]", *(
        [f"{whole(word)} of these checks rest on the hoster's word: its own link check was asked in place of the "
         "content."] if word else []
    ))  # fmt: skip
    stale = its.total["looks_stale"]
    check.take("//p[@class='fine'][contains(., 'of a later day')]", *(
        [
            f"{whole(stale)} checks were attributed with a table of routes that is too old for them, or of a later "
            "day. Whoever runs the study can add a table of that time with waterbed tables add, and publish again."
        ]
        if stale else []
    ))  # fmt: skip


def _card(o: Row) -> list[str]:
    span = f"{o['first_day'][:10]} to {o['last_day'][:10]}" if o["first_day"] else "undated"
    slow = f" 90%: {number(o['delay_p90_h'])}" if o["delay_p90_h"] is not None else ""
    held = f" {o['empty']} empty, {o['suspect']} held" if o["empty"] or o["suspect"] else ""
    counted = [f"{o[name]:,}" for name in ("reports", "urls", "sites")]
    days, delay = f"{o['days_covered']} of {o['days']}", f"{number(o['delay_median_h'])}{slow}"
    shared = [percent(o["shared"]), percent(o["first_here"])]
    return [o["source"], *counted, span, days, delay, *shared, f"{o['deliveries']:,}{held}"]


def _dated(o: Row) -> list[str]:
    kind = f"{o['kind']} IPv{o['family']}" if o["family"] else o["kind"]
    age = f"{o['age_days']:.0f} days{' too old' if o['stale'] else ''}"
    return [kind, o["date"][:10], age, f"{o['rows']:,}", o["licence"]]
