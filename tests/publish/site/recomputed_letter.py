"""The letter's questions, worked out from the other tables."""

from collections.abc import Iterator

from tests.publish.site.recomputed import Check, Files, Row
from waterbed.model.spelling import number, percent

Told = tuple[int, str, str, str]
"""Question, what, the number as it is shown, and what it counts."""
NOTICES = {
    "ntd": "notice and takedown", "legal_order": "order of a court or an authority",
    "nl_order": "order of the Dutch authority", "tco": "removal order about terrorist content",
    "dsa": "notice under the Digital Services Act", "citizen": "notice of a citizen",
}  # fmt: skip
MEDIUMS = {"tor": "Tor and its like", "chat": "chats", "live": "live streams"}


def letter(check: Check) -> None:
    """Every question with its numbers, and the file that repeats them."""
    expected = list(_numbers(check.files))
    rows = check.files.rows("data/letter")
    if [(row["question"], row["what"], row["unit"]) for row in rows] != [(o[0], o[1], o[3]) for o in expected]:
        check.wrong.append(f"{check.name}: data/letter has {len(rows)} rows, {len(expected)} follow from the tables")
    for place in range(1, 9):
        own = [[what, said] for at, what, said, _ in expected if at == place]
        check.table(f"Answer {place}", own, str(place))


def _share(low: float | None, high: float | None, value: float | None) -> str:
    return f"{percent(value)} ({percent(low)} to {percent(high)})" if low is not None else percent(value)


def _numbers(its: Files) -> Iterator[Told]:
    yield from _at_home(its)
    yield from _kinds(its)
    for card in its.rows("feeds"):
        yield 3, f"{card['source']}: URLs", _counted(card["urls"], "URLs"), "URLs"
        yield 3, f"{card['source']}: of these assessed as not illegal", _counted(card["not_illegal"], "URLs"), "URLs"
        yield 3, f"{card['source']}: of these awaiting an assessment", _counted(card["unassessed"], "URLs"), "URLs"
    for row in its.rows("ranking-medium"):
        if row["key"] in MEDIUMS:
            yield 4, f"{MEDIUMS[row['key']]}: reported", _counted(row["urls"], "URLs"), "URLs"
    yield from _notices(its)
    yield from _hosters(its)
    yield from _deadlines(its)
    passages = {row["passage"]: row for row in its.rows("data/passages")}
    for way in ("leaves home", "stays home", "comes home", "stays abroad", "unknown"):
        may = [passages[one]["hops"] for one in {way, "unknown", None} if one in passages]
        if may:
            least = passages[way]["certain"] if way in passages else 0
            yield 8, "country unknown" if way == "unknown" else way, _unit(_bounds(least, sum(may)), "hops"), "hops"
    for row in its.rows("beyond"):
        what = f"to {MEDIUMS[row['medium']]}, of at least {row['contents']:,} contents reported there too"
        yield 8, what, _unit(_bounds(row["least"], row["most"]), "contents"), "contents"


def _unit(said: str, unit: str) -> str:
    return f"{said} {unit.removesuffix('s') if said == '1' else unit}"


def _counted(value: int, unit: str) -> str:
    return _unit(f"{value:,}", unit)


def _bounds(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _at_home(its: Files) -> Iterator[Told]:
    for kind, words in (
        ("country", "their server lies there"),
        ("registered", "their network is registered there"),
        ("seat", "their hoster has its seat there"),
    ):
        told = {r["key"]: r["hosts_fractional"] for r in its.rows(f"ranking-{kind}") if r["key"] != "unknown"}
        if told:
            said = percent(told["NL"] / sum(told.values())) if "NL" in told else "too few sites there, or held back"
            said = "no other country is shown: the rest may be held back" if [*told] == ["NL"] else said
            yield 1, f"of hosts in the countries that are shown, {words}", said, "share"
    for row in its.rows("volume-country"):
        if row["key"] == "NL":
            ends = f"{number(row['shrunk'])} times ({number(row['shrunk_low'])} to {number(row['shrunk_high'])})"
            said = "no table of sizes" if row["shrunk"] is None else ends
            yield 1, "sites there against those expected of its size", said, "times"


def _notices(its: Files) -> Iterator[Told]:
    noticed = [
        row
        for row in its.rows("compliance-hoster")
        if (row["week"], row["within_h"]) == (None, 24) and row["key"] != "unknown" and row["class"] != "views differ"
    ]
    if noticed:
        clocks, surely, possibly = (sum(row[name] for row in noticed) for name in ("clocks", "surely", "possibly"))
        yield 5, "notices that found content up at a hoster named here", _counted(clocks, "notices"), "notices"
        yield 5, "of these, removed within 24 hours", _unit(_bounds(surely, possibly), "notices"), "notices"


def _deadlines(its: Files) -> Iterator[Told]:
    for row in its.rows("deadlines"):
        if row["due"]:
            said = "too few sites, or checks too sparse"
            said = said if row["met"] is None else _share(row["met_low"], row["met_high"], row["met"])
            yield (
                7,
                f"{NOTICES[row['kind']]}: removed by the deadline, {_unit(number(row['due_h']), 'hours')}",
                said,
                "share",
            )
            continue
        half = _unit(number(row["action_h"]), "hours")
        if row["action_h_high"] is not None:
            half += f" ({number(row['action_h_low'])} to {number(row['action_h_high'])})"
        said = "not yet half, or not estimable" if row["action_h"] is None else half
        yield 7, f"{NOTICES[row['kind']]}: until half was gone; no law sets a time", said, "hours"


def _removed(row: Row) -> str:
    low, high, value = row["removed_24h_low"], row["removed_24h_high"], row["removed_24h"]
    if value is None and low is not None:
        return f"{percent(low)} to {percent(high)}"
    return str(row["class"]) if low is None else _share(low, high, value)


def _kinds(its: Files) -> Iterator[Told]:
    for kind, words in (("category", "category"), ("site_type", "type of site"), ("commercial", "commercial or not")):
        for row in its.rows(f"ranking-{kind}"):
            name = row["name"] if kind == "commercial" else f"{words} {row['name']}"
            what = f"{words}: not told" if row["key"] == "not told" else name
            yield 2, what, _counted(row["sites"], "sites"), "sites"
            yield 2, f"{what}: removed within 24 hours", _removed(row), "share"


def coverage_of(rows: list[Row]) -> tuple[str, bool]:
    """What a ranking by hoster says of its coverage, if anything, and whether a total is told."""
    enough = [row for row in rows if row["key"] != "unknown" and row["class"] not in ("too few", "proxy", "no address")]
    shared = [row for row in enough if row["class"] == "ranked" and row["removed_24h_low"] is not None]
    have = "has" if len(shared) == 1 else "have"
    ours, all_ = (sum(row["episodes"] for row in own) for own in (shared, enough))
    words = f"only {len(shared):,} of {len(enough):,} hosters with at least 10 sites {have} a share, with {ours:,} of"
    return f"{words} {all_:,} clocks" if len(shared) < len(enough) else "", len(shared) * 2 >= len(enough) > 0


def _one(row: Row) -> float:
    """The share of a row, else the middle of worst and best case."""
    middle = (row["removed_24h_worst"] + row["removed_24h_best"]) / 2
    return float(middle if row["removed_24h"] is None else row["removed_24h"])


def _hosters(its: Files) -> Iterator[Told]:
    rows = [row for row in its.rows("ranking-hoster") if row["key"] != "unknown"]
    shared = [row for row in rows if row["removed_24h_low"] is not None]
    places = list(its.places("hoster").values())
    norms = {row["norm"] for row in places} - {None}
    if rows:
        yield 6, "hosters with enough sites", _counted(len(rows), "hosters"), "hosters"
        yield 6, "of these, with a share removed", _counted(len(shared), "hosters"), "hosters"
    if not shared:
        return
    for norm in norms:
        below, above = sum(row["below_norm"] is True for row in places), [r["removed_24h_low"] > norm for r in shared]
        less = f"surely removed less than {percent(norm)} within 24 hours, tested with all hosters together"
        yield 6, less, _counted(below, "hosters"), "hosters"
        more = f"whose own 95% interval lies above {percent(norm)}, each hoster by itself"
        yield 6, more, _counted(sum(above), "hosters"), "hosters"
    shared = [row for row in shared if row["class"] == "ranked"]
    if not shared:
        return
    clocks = sum(row["episodes"] for row in shared)
    cases = ["removed_24h_worst", "removed_24h_best"]
    each = [sum(row[name] for row in shared) / len(shared) for name in cases]
    weighted = [sum(row[name] * row["episodes"] for row in shared) / clocks for name in cases]
    ones = [_one(row) for row in shared]
    single = sum(ones) / len(shared), sum(x * row["episodes"] for x, row in zip(ones, shared, strict=True)) / clocks
    covered, told = coverage_of(rows)
    for counted, (worst, best), one in (("hoster", each, single[0]), ("content", weighted, single[1])):
        share = percent(one) if best - worst <= 0.1 else f"{percent(worst)} to {percent(best)}"
        whose = _counted(len(shared), "hosters")
        what = f"mean of {whose} with a share: removed within 24 hours, each {counted} counted once"
        yield 6, f"{what}; {covered}" if covered and told else what, share if told else covered, "share"
