"""SVG elements of a figure, as plain values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor
from typing import Annotated, Final

WIDE: Final = 720
"""Width of a figure on a laptop and on paper, in its own units: pixels where it is not scaled."""
NARROW: Final = 354
"""Width of the same figure on a phone."""
LINES: Final = 6
"""Lines that differ in colour and dash; the classes l1 to l6 of the stylesheet."""
_LONGEST_LABEL: Final = 34

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One SVG element: colours come from its classes."""

    tag: str
    css: str
    at: Annotated[tuple[tuple[str, str], ...], "its attributes"]
    text: str = ""
    tip: Annotated[str, "shown while the pointer rests on it"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything drawn in one size."""

    width: int
    height: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of a figure's legend."""

    css: Annotated[str, "class of the line or area that it explains"]
    word: str
    area: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure in two sizes, with words and files."""

    name: Annotated[str, "its element is #figure-NAME"]
    title: str
    desc: Annotated[str, "the same in words, for those who do not see it"]
    reading: Annotated[str, "how to read it"]
    csv: Annotated[str, "path of its data in the site; empty: the page has none"]
    json: Annotated[str, "the same"]
    wide: Scene
    narrow: Scene
    keys: tuple[Key, ...] = ()

    @property
    def sizes(self) -> tuple[tuple[str, Scene], ...]:
        """Both sizes by the class that shows one of them."""
        return ("wide", self.wide), ("narrow", self.narrow)


def rounded(value: float) -> str:
    """Spell a length to a tenth, as the scripts do."""
    tenth = floor(value * 10 + 0.5) / 10
    return f"{tenth:g}" if tenth != int(tenth) else str(int(tenth))


def element(tag: str, css: str, *, text: str = "", tip: str = "", **at: float | str) -> Mark:
    """Make an element.

    Numbers are rounded, and _ in names of attributes is -.
    """
    given = tuple(
        (name.replace("_", "-"), value if isinstance(value, str) else rounded(value)) for name, value in at.items()
    )
    return Mark(tag=tag, css=css, at=given, text=text, tip=tip)


def word(x: float, y: float, text: str, anchor: str = "middle", css: str = "tick") -> Mark:
    """A text at a place."""
    return element("text", css, x=x, y=y, text_anchor=anchor, text=text)


def path(css: str, d: str, tip: str = "") -> Mark:
    """A path."""
    return element("path", css, d=d, tip=tip)


def through(points: Iterable[Point], begin: str = "M") -> str:
    """Path data of straight lines through points."""
    parts = [f"{rounded(x)} {rounded(y)}" for x, y in points]
    return f"{begin}{'L'.join(parts)}" if parts else ""


def steps(points: Sequence[Point]) -> str:
    """Path data of a step function that is right-continuous.

    Points at which nothing changes are left out.
    """
    if not points:
        return ""
    d, height = f"M{rounded(points[0][0])} {rounded(points[0][1])}", rounded(points[0][1])
    for x, y in points[1:]:
        if rounded(y) != height:
            height = rounded(y)
            d += f"H{rounded(x)}V{height}"
    return f"{d}H{rounded(points[-1][0])}"


_SHAPES: Final = ("M{x} {t}L{r} {y}L{x} {b}L{l} {y}Z", "M{l} {t}H{r}V{b}H{l}Z", "M{x} {t}L{r} {b}H{l}Z")


def spot(number: int, at: Point, size: float, css: str, tip: str = "") -> Mark:
    """A mark whose shape tells its line.

    Lines are numbered from 1.
    """
    x, y = at
    if number % 4 == 1:
        return element("circle", css, cx=x, cy=y, r=size, tip=tip)
    ends = {"x": x, "y": y, "l": x - size, "r": x + size, "t": y - size, "b": y + size}
    return path(css, _SHAPES[number % 4 - 2].format(**{name: rounded(value) for name, value in ends.items()}), tip)


def label(name: str, most: int = _LONGEST_LABEL) -> str:
    """Shorten a name for a figure, without control characters."""
    name = "".join(character for character in name if character.isprintable())
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"
