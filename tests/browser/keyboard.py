"""Going through a page by the keyboard alone."""

from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """An element that Tab came to."""

    tag: str
    text: str
    href: str | None
    in_navigation: bool
    control: bool
    """Whether it is a button, field or summary of the content."""
    outlined: bool
    """Whether it shows that it has the focus."""


def presses(page: Page, *keys: str) -> None:
    """Press one key after the other."""
    for key in keys:
        page.keyboard.press(key)


def stops(page: Page, most: int = 400) -> list[Stop]:
    """All elements that Tab comes to, in order, until it leaves the page."""
    found: list[Stop] = []
    page.evaluate("() => { window.passed = new Set() }")
    while len(found) < most:
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None:
            return found
        found.append(Stop(**stop))
    raise AssertionError(f"Tab does not leave the page after {most} stops")


_STOP = """() => {
    const one = document.activeElement;
    if (!one || one === document.body || window.passed.has(one)) return null;
    window.passed.add(one);
    const style = getComputedStyle(one);
    return {
        tag: one.localName,
        text: one.innerText.trim(),
        href: one.getAttribute('href'),
        in_navigation: one.closest('nav') !== null,
        control: one.matches('main :is(button, select, input, summary)'),
        outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
    };
}"""
