"""Draws hops: by week, as Sankey, and as network.

`assets/hop_figures.js` draws the same from the same data, where a reader chooses a part of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Annotated, Final

from waterbed.graphs.network.weeks import CrossBorder
from waterbed.publish.hop_sums import WAYS, CellFlow, CellPlace, added
from waterbed.shown.figures.marks import NARROW, Mark, Point, Scene, element, label, path, rounded, word
from waterbed.shown.figures.moments import Placed, draw_moments
from waterbed.shown.figures.plot import Axis, Plot, measured, thinned

MOST_LINKS: Final = 24
MOST_NODES: Final = 18
_GAP: Final = 15.0
"""Between two places of a Sankey: a line of text."""
_BODY: Final = 260.0
"""Height of all hops of a Sankey together."""
_BAR: Final = 8.0
_SIDE: Final = {True: 122, False: 206}
"""Room for names beside a Sankey, narrow and wide."""
_LONGEST: Final = {True: 18, False: 31}
"""Letters of a name with its country."""
_CUT: Final = 3.0
"""So many times the highest bar is as far as the most that a week can have is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place of the network."""

    key: str
    name: str
    home: bool
    x: Annotated[float, "-1 to 1, from the left"]
    y: Annotated[float, "-1 to 1, from the top"]


def weeks_scene(
    weeks: Sequence[str], sums: Sequence[tuple[int, int, int]], width: int, moments: Sequence[Placed] = ()
) -> Scene:
    """Draw hops by week: certain, possible, and at most.

    `moments` are events, placed where a week begins at its number. `sums` are hops of cells within each week, the
    certain ones, and hops of all that reach into it. Where the last are far above the bars, the axis is that of the
    bars, and a number at the top stands for them.
    """
    narrow = width == NARROW
    labels = [(position + 0.5, week) for position, week in enumerate(weeks)]
    x = Axis(low=0.0, high=float(len(weeks)), ticks=thinned(labels, 4 if narrow else 8))
    named = {int(place) for place, _ in x.ticks}
    highest, most_of_all = (max((row[column] for row in sums), default=0) for column in (0, 2))
    far = 0 < _CUT * highest < most_of_all
    y = measured([1.5 * highest if far else most_of_all], "hops", most=4, zero=True)
    plot = Plot(x, y, width=width, height=180 if narrow else 200)
    draw_moments(plot, moments)
    for position, (hops, certain, most) in enumerate(sums):
        if not most:
            continue
        tip = "" if narrow else f"{weeks[position]}: {hops} hops, {certain} of them certain; at most {most}"
        if certain:
            plot.bar(position + 0.15, position + 0.85, 0, certain, "block strong", tip)
        if hops > certain:
            plot.bar(position + 0.15, position + 0.85, certain, hops, "block pale", tip)
        if most <= y.high:
            height = rounded(plot.y(most))
            left_x, right = rounded(plot.x(position + 0.1)), rounded(plot.x(position + 0.9))
            plot.marks.append(path("most", f"M{left_x} {height}H{right}", tip))
        elif position in named:
            plot.marks.append(word(plot.x(position + 0.5), plot.box[1] + 12, f"at most {most:,}", css="name"))
    return plot.scene()


AT_HOME: Final = -1
ABROAD: Final = -2
ANYWHERE: Final = -3
OTHERS: Final[Mapping[int, str]] = {AT_HOME: "other at home", ABROAD: "other abroad", ANYWHERE: "others"}
"""Names of what is drawn together, by the numbers that stand for them."""
CROSSING: Final = ("leaves home", "comes home")
_CROSSING_LINKS: Final = 16
_FROM_HOME: Final = ("leaves home", "stays home")
_TO_HOME: Final = ("comes home", "stays home")
_ANY: Final = "anywhere"

Place = str | int
"""The key of a place, or the number of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A flow as it is drawn: small ones are together."""

    start: Place
    end: Place
    passage: CrossBorder | None
    hops: float
    certain: float
    most: float
    evidence: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    text: str
    group: str
    hops: float = 0.0
    y: float = 0.0
    used: float = 0.0


def drawn_links(flows: Sequence[CellFlow]) -> tuple[list[Link], list[Link]]:
    """The flows to draw, and what is between others.

    Flows between named places that leave or enter home come first, then the largest of the rest. Ends that none of
    these has become others at home or abroad; flows between others are not to be drawn.
    """
    rows = [row for row in flows if row.most > 0]
    named = [row for row in rows if row.from_key is not None and row.to_key is not None]
    leading = [row for row in named if row.passage in CROSSING][:_CROSSING_LINKS]
    leading += [row for row in named if row not in leading][: MOST_LINKS - len(leading)]
    starts, ends = {row.from_key for row in leading}, {row.to_key for row in leading}

    def ends_of(row: CellFlow) -> tuple[Place, Place, CrossBorder | None]:
        start = row.from_key if row.from_key is not None and row.from_key in starts else _other(row, _FROM_HOME)
        end = row.to_key if row.to_key is not None and row.to_key in ends else _other(row, _TO_HOME)
        return start, end, row.passage

    ordered = [*leading, *(row for row in rows if row not in leading)]
    sums = added((ends_of(row), (row.hops, row.certain, row.most, row.evidence)) for row in ordered)
    links = [
        Link(start=start, end=end, passage=passage, hops=hops, certain=certain, most=most, evidence=evidence)
        for (start, end, passage), (hops, certain, most, evidence) in sums.items()
    ]
    apart = [link for link in links if isinstance(link.start, int) and isinstance(link.end, int)]
    return [link for link in links if link not in apart], apart


def _other(row: CellFlow, home: Sequence[str]) -> int:
    if row.passage in (None, "unknown"):
        return ANYWHERE
    return AT_HOME if row.passage in home else ABROAD


def sankey_scene(
    flows: Sequence[CellFlow], names: Mapping[str | None, tuple[str, str]], home: Mapping[str, bool], width: int
) -> Scene:
    """Draw flows between places left and places arrived at.

    Each flow is up to three ribbons: certain hops, paler the possible ones, and an outline for those whose weeks are
    not known to be among the chosen ones; those to and from others are fainter. `names` are names and countries,
    `home` says which places are at home.
    """
    narrow = width == NARROW
    links, apart = drawn_links(flows)
    apart_lines = _apart_words(apart, narrow)
    total = sum(row.most for row in links)
    if not total and not apart_lines:
        return _nothing(width)
    left_nodes = _nodes(links, names, home, narrow, on_left=True)
    right = _nodes(links, names, home, narrow, on_left=False)
    scale = _BODY / total if total else 0.0
    tall_most = max(_height(nodes) for nodes in (left_nodes, right))
    side = _SIDE[narrow]
    marks: list[Mark] = []
    columns = ((left_nodes, side, side - 6, "end"), (right, width - side - _BAR, width - side + 6, "start"))
    for nodes, _, position, anchor in columns:
        y = (tall_most - _height(nodes)) / 2
        group = ""
        for node in nodes.values():
            if node.group != group:
                group = node.group
                y += _GAP
                if group != _ANY:
                    marks.append(word(position, y - 4, group, anchor, "tick"))
            node.y = node.used = y
            y += node.hops * scale + _GAP
    x0, x1 = side + _BAR, width - side - _BAR
    middle = rounded((x0 + x1) / 2)
    order = {key: position for position, key in enumerate(left_nodes)}
    place = {key: position for position, key in enumerate(right)}
    for row in sorted(links, key=lambda row: (order[row.start], place[row.end])):
        start, end = left_nodes[row.start], right[row.end]
        parts = ((row.certain, "strong"), (row.hops - row.certain, "pale"), (row.most - row.hops, "open"))
        said_of = "; by ".join(filter(None, (way_word(row), evidence_words(row.evidence))))
        aside = " aside" if isinstance(row.start, int) or isinstance(row.end, int) else ""
        for hops, css in parts:
            if hops < 1e-6:
                continue
            a, b, tall = start.used, end.used, hops * scale
            d = (
                f"M{x0:g} {rounded(a)}C{middle} {rounded(a)} {middle} {rounded(b)} {x1:g} {rounded(b)}"
                f"V{rounded(b + tall)}C{middle} {rounded(b + tall)} {middle} {rounded(a + tall)} "
                f"{x0:g} {rounded(a + tall)}Z"
            )
            tip = f"{start.text} → {end.text}: {count(hops)} {KINDS[css]}, of {count(row.most)}; {said_of}"
            marks.append(path(f"flow w{WAYS.index(row.passage)} {css}{aside}", d, tip))
            start.used += tall
            end.used += tall
    for nodes, x, position, anchor in columns:
        for node in nodes.values():
            tall = node.hops * scale
            marks.append(element("rect", "node", x=x, y=node.y, width=_BAR, height=tall))
            marks.append(word(position, node.y + tall / 2 + 4, node.text, anchor, "name"))
    for position, text in enumerate(apart_lines):
        marks.append(word(0, tall_most + 16 * (position + 1), text, "start", "tick"))
    return Scene(width=width, height=round(tall_most + 16 * len(apart_lines) + 8), marks=tuple(marks))


KINDS: Final[Mapping[str, str]] = {"strong": "certain", "pale": "possible", "open": "possibly of these weeks"}
"""Words for the parts of a flow, by their class."""


def _apart_words(apart: Sequence[Link], narrow: bool) -> list[str]:
    """Lines that tell the hops which are not drawn."""
    if not apart:
        return []
    by_way = {passage: sum(row.most for row in apart if row.passage == passage) for passage in WAYS}
    parts = [f"{count(hops)} {passage or 'held back'}" for passage, hops in by_way.items() if hops]
    each = 2 if narrow else len(parts)
    lines = [", ".join(parts[start : start + each]) for start in range(0, len(parts), each)]
    return [f"Not drawn, between others: {count(sum(by_way.values()))} hops", *lines]


def _height(nodes: Mapping[Place, _Node]) -> float:
    """Room for all bars, a gap under each and one above each group."""
    return (_BODY if nodes else 0.0) + _GAP * (len(nodes) + len({node.group for node in nodes.values()}))


def _nodes(
    links: Sequence[Link],
    names: Mapping[str | None, tuple[str, str]],
    home: Mapping[str, bool],
    narrow: bool,
    *,
    on_left: bool,
) -> dict[Place, _Node]:
    """Places of one side: on the left those at home first, on the right those abroad; others end each group."""
    nodes: dict[Place, _Node] = {}
    for row in links:
        key = row.start if on_left else row.end
        if key not in nodes:
            is_home = home.get(key, False) if isinstance(key, str) else key == AT_HOME
            group = _ANY if key == ANYWHERE else "at home" if is_home else "abroad"
            text = OTHERS[key] if isinstance(key, int) else _with_country(*names[key], _LONGEST[narrow])
            nodes[key] = _Node(text, group)
        nodes[key].hops += row.most
    groups = ("at home", "abroad", _ANY) if on_left else ("abroad", "at home", _ANY)

    def order(one: tuple[Place, _Node]) -> tuple[int, bool, float, str]:
        key, node = one
        return groups.index(node.group), isinstance(key, int), -node.hops, str(key)

    return dict(sorted(nodes.items(), key=order))


def _with_country(name: str, country: str, most: int) -> str:
    """A name with its country, of which only the name is cut."""
    end = f" · {country}" if country else ""
    return f"{label(name, most - len(end))}{end}"


def shells_of(flows: Sequence[CellFlow], home: Mapping[str, bool]) -> list[list[str]]:
    """Places with most hops, at home and abroad."""
    weight: dict[str, float] = {}
    for row in flows:
        if row.from_key is not None and row.to_key is not None:
            for key in {row.from_key, row.to_key}:
                weight[key] = weight.get(key, 0.0) + row.most
    largest = sorted(weight, key=lambda key: (-weight[key], key))[:MOST_NODES]
    return [[key for key in sorted(largest) if home.get(key, False) == inside] for inside in (True, False)]


def network_scene(flows: Sequence[CellFlow], places: Sequence[CellPlace], spots: Sequence[Spot], width: int) -> Scene:
    """Draw the same flows between places: squares are at home.

    A full mark: more arrived than left. Wider lines carry more hops, full ones have certain hops.
    """
    narrow = width == NARROW
    height = 330 if narrow else 520
    where = {spot.key: spot for spot in spots}
    drawn_flows = [row for row in flows if row.hops > 0 and row.from_key in where and row.to_key in where][
        : 2 * MOST_LINKS
    ]
    if not drawn_flows:
        return _nothing(width)
    across, down = width / 2 - (86 if narrow else 150), height / 2 - 36
    middle = (width / 2, height / 2)

    def put(key: str | None) -> Point:
        spot = where[str(key)]
        return middle[0] + across * spot.x, middle[1] + down * spot.y

    most = max(1.0, *(row.hops for row in drawn_flows))
    marks = [mark for row in reversed(drawn_flows) for mark in _edge(row, put, most, where)]
    net = {place.key: place for place in places}
    busiest = max([1.0, *(net[spot.key].arrived + net[spot.key].left for spot in spots if spot.key in net)])
    used = {key for row in drawn_flows for key in (row.from_key, row.to_key)}
    for spot in spots:
        if spot.key not in used:
            continue
        x, y = put(spot.key)
        arrived, departed = (net[spot.key].arrived, net[spot.key].left) if spot.key in net else (0.0, 0.0)
        size = 4 + 8 * sqrt((arrived + departed) / busiest)
        css = "spot full" if arrived > departed else "spot"
        tip = f"{spot.name}{', at home' if spot.home else ''}: {count(arrived)} arrived, {count(departed)} left"
        if spot.home:
            marks.append(element("rect", css, x=x - size, y=y - size, width=2 * size, height=2 * size, tip=tip))
        else:
            marks.append(element("circle", css, cx=x, cy=y, r=size, tip=tip))
        marks.append(_name(spot, x, y, size, narrow))
    return Scene(width=width, height=height, marks=tuple(marks))


def _name(spot: Spot, x: float, y: float, size: float, narrow: bool) -> Mark:
    """The name beside a place: outside the ring, or under it."""
    text = label(spot.name, 13 if narrow else 20)
    if spot.home or -0.35 < spot.x < 0.35:
        above = not spot.home and spot.y < 0
        return word(x, y - size - 6 if above else y + size + 13, text, "middle", "name")
    away = size + 6
    return word(x + away if spot.x > 0 else x - away, y + 4, text, "start" if spot.x > 0 else "end", "name")


def _edge(row: CellFlow, put: Callable[[str | None], Point], most: float, where: Mapping[str, Spot]) -> Iterator[Mark]:
    passage_css = f"w{WAYS.index(row.passage)}"
    (ax, ay), (bx, by) = put(row.from_key), put(row.to_key)
    names = " → ".join(where[str(key)].name for key in (row.from_key, row.to_key))
    tip = f"{names}: {count(row.hops)} hops, {count(row.certain)} certain; {way_word(row)}"
    wide = 1 + 8 * row.hops / most
    if row.from_key == row.to_key:
        d = f"M{rounded(ax)} {rounded(ay)}a16 16 0 1 1 1 0.5"
    else:
        cx, cy = (ax + bx) / 2 + (by - ay) * 0.14, (ay + by) / 2 - (bx - ax) * 0.14
        far = sqrt((bx - cx) * (bx - cx) + (by - cy) * (by - cy)) or 1.0
        ux, uy = (bx - cx) / far, (by - cy) / far
        tx, ty = bx - 12 * ux, by - 12 * uy
        d = f"M{rounded(ax)} {rounded(ay)}Q{rounded(cx)} {rounded(cy)} {rounded(tx)} {rounded(ty)}"
        big = 4 + wide / 2
        back_x, back_y = tx - big * ux, ty - big * uy
        yield path(
            f"tip {passage_css}",
            f"M{rounded(tx)} {rounded(ty)}L{rounded(back_x - big * uy)} {rounded(back_y + big * ux)}"
            f"L{rounded(back_x + big * uy)} {rounded(back_y - big * ux)}Z",
        )
    css = f"edge {passage_css} {'pale' if row.certain else 'dotted'}"
    yield element("path", css, d=d, stroke_width=wide, tip=tip)
    if row.certain:
        yield element("path", f"edge {passage_css}", d=d, stroke_width=1 + 8 * row.certain / most, tip=tip)


def evidence_words(kinds: Sequence[str]) -> str:
    """Kinds of evidence in words."""
    return ", ".join(kind.replace("_", " ").replace("url", "URL") for kind in kinds)


def way_word(row: CellFlow | Link) -> str:
    """The passage of a flow in words."""
    return row.passage or "held back"


def count(value: float) -> str:
    """Format a number of hops; fractions get one digit."""
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 else f"{value:,.1f}"


def _nothing(width: int) -> Scene:
    """A figure of no hops."""
    return Scene(width=width, height=80, marks=(word(width / 2, 44, "No hop in this choice.", css="name"),))
