"""Fonts made for the tests: machines differ in theirs, and a page must hold in all."""

import base64
import io
import string
from typing import Final

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._g_l_y_f import Glyph
from playwright.sync_api import Page

EM: Final = 1000
_NARROW: Final = "fijlrtI1 .,:;|!'()[]/-"
_WIDE: Final = "mwMWOQGCDNHU%@&+="
SHAPES: Final = {
    "as Arial": (1.0, 1.0, 1.0),
    "narrow": (0.8, 0.8, 1.0),
    "wider than Verdana": (1.25, 1.25, 1.0),
    "wide letters": (1.0, 1.06, 1.0),
    "small digits": (0.92, 1.0, 1.0),
    "tall": (1.0, 1.0, 1.5),
}
"""Factors of the widths of digits and of letters, and of the height above and below the line."""


def _advance(sign: str, digits: float, letters: float) -> int:
    """Width of a sign as in Arial, about."""
    if sign.isdigit():
        return round(556 * digits)
    return round((290 if sign in _NARROW else 750 if sign in _WIDE else 530) * letters)


def made_font(digits: float, letters: float, height: float) -> bytes:
    """A TrueType font of boxes for the printable signs of ASCII."""
    signs = {ord(sign): f"u{ord(sign)}" for sign in string.printable if sign.isprintable()}
    names = [".notdef", *signs.values()]
    widths = {".notdef": round(530 * letters)}
    widths |= {name: _advance(chr(code), digits, letters) for code, name in signs.items()}
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(signs)
    builder.setupGlyf({name: _box(width if name != "u32" else 0) for name, width in widths.items()})
    builder.setupHorizontalMetrics({name: (width, 40) for name, width in widths.items()})
    builder.setupHorizontalHeader(ascent=round(900 * height), descent=-round(210 * height))
    builder.setupNameTable({"familyName": "Made", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=round(900 * height), sTypoDescender=-round(210 * height), sxHeight=519)
    builder.setupPost()
    held = io.BytesIO()
    builder.save(held)
    return held.getvalue()


def _box(width: int) -> Glyph:
    """A box that nearly fills its width; of no width an empty glyph."""
    pen = TTGlyphPen(None)
    if width:
        pen.moveTo((40, 0))
        pen.lineTo((40, 519))
        pen.lineTo((width - 40, 519))
        pen.lineTo((width - 40, 0))
        pen.closePath()
    return pen.glyph()


def set_font(page: Page, shape: str) -> None:
    """Set a page, opened with `bypass_csp`, in the made font of a shape."""
    data = base64.b64encode(made_font(*SHAPES[shape])).decode()
    page.add_style_tag(
        content=f"@font-face {{ font-family: Made; src: url(data:font/ttf;base64,{data}) }}"
        "*, ::before, ::after { font-family: Made !important }"
    )
    assert page.evaluate("() => document.fonts.load('15px Made').then(() => document.fonts.check('15px Made'))")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
