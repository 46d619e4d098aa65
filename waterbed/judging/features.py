"""From one look, its control and its URL's past to the features that rules ask about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from waterbed.model.facts import ControlLook, Observation

Relation = Literal["same", "differs", "none"]
Canary = Literal["ok", "failed", "none"]

FEATURES: Final[Mapping[str, tuple[Any, ...] | type]] = {
    "phase": ("schedule", "dns", "guard", "connect", "tls", "http"),
    "failure": str,
    "status": int,
    "method": str,
    "marks": str,
    "redirect": ("same", "site", "other", "bad"),
    "profile": ("strict", "headers", "text"),
    "canary": ("ok", "failed", "none"),
    "control": ("same", "differs", "none"),
    "differed_before": (True, False),
    "catch_all": (True, False),
    "tags": str,
    "link_exists": ("yes", "no", "unclear"),
    "tls": ("ok", "bad", "newly_bad", "none"),
    "changed": ("type", "page", "no"),
    "head_status": int,
}
"""What a rule may ask about: all values there are, or their type."""

_CONTROLLED: Final = ("status", "redirect", "redirect_site_id", "media_type", "content_length", "etag_id")
_OPTIONAL: Final = ("content_length", "etag_id")
"""Stated by some answers only: they tell something where both sides state them."""


def comparable(look: Observation, control: ControlLook | None) -> dict[str, bool]:
    """The features that look and control both state and that are stable, each with whether they are equal.

    Empty where there is nothing to compare with: no control, a failed one, one whose status is a matter of chance, or
    one that another vantage took and that differs.
    """
    if control is None or control.failure is not None or look.status is None or "status" in control.unstable:
        return {}
    if look.head_status is not None and look.head_status == control.status != look.status:
        return {}  # HEAD, by which controls are asked, says the same of what is there and what is not
    pairs = (
        (name, getattr(look, name), getattr(control, name)) for name in _CONTROLLED if name not in control.unstable
    )
    told = {name: a == b for name, a, b in pairs if name not in _OPTIONAL or (a is not None and b is not None)}
    if control.vantage != look.vantage and not all(told.values()):
        return {}  # another vantage may be answered otherwise on every path
    return told


def compare(look: Observation, control: ControlLook | None) -> Relation:
    """Whether a look equals its host's answer to a random path.

    `same` if everything that both state, and that random paths of the host have in common, is equal. A page without
    length and ETag differs by status, media type or redirect alone.
    """
    told = comparable(look, control)
    if not told:
        return "none"
    return "same" if all(told.values()) else "differs"


@dataclass(slots=True)
class Past:
    """What earlier looks of one URL showed. Judging walks it forward."""

    differed_in: set[str] = field(default_factory=set)
    """Features in which an up look differed from its control."""
    control_class: int | None = None
    """Status class of the last usable control."""
    types: set[str] = field(default_factory=set)
    redirects: set[str | None] = field(default_factory=set)
    page: tuple[int | None, str | None] | None = None
    """Length and ETag of the up looks, while they are all the same."""
    same_pages: int = 0
    changed_once: bool = False
    varies: bool = False
    """The page changed and came back: it varies by itself, so a change tells nothing."""
    trusted: bool | None = None
    """Whether all up looks had no certificate problem; None before the first."""

    def differed(self, look: Observation, control: ControlLook | None) -> bool:
        """Whether it differed before in a feature that can still be compared now.

        What is no longer stated, or turned out to vary among random paths, is no sign of a removal.
        """
        return not self.differed_in.isdisjoint(comparable(look, control))

    def is_catch_all(self, look: Observation) -> bool:
        """Whether the last usable control was answered with the look's own class, 2xx or 3xx."""
        return look.status is not None and look.status // 100 in (2, 3) and look.status // 100 == self.control_class

    def changed(self, look: Observation) -> str:
        """`type` or `page` if the answer is not what up looks gave before, else `no`.

        A change of page counts where at least two up looks agreed, and never did it change and come back.
        """
        if look.media_type and self.types and look.media_type not in self.types:
            return "type"
        if self.redirects and look.redirect not in self.redirects:
            return "page"
        fixed = self.same_pages >= 2 and not self.varies
        return "page" if fixed and self.page is not None and _pages_differ(self.page, _page(look)) else "no"

    def see(self, look: Observation, control: ControlLook | None, state: str) -> None:
        """Take a judged look."""
        told = comparable(look, control)
        if told and control is not None and control.status is not None:
            self.control_class = control.status // 100
        if state != "up":
            if look.status is not None and self.same_pages >= 2 and self.changed(look) == "page":
                self.changed_once = True
            return
        self.differed_in.update(name for name, equal in told.items() if not equal)
        if look.media_type:
            self.types.add(look.media_type)
        self.redirects.add(look.redirect)
        if look.tls_version is None or look.certificate_id is not None:
            self.trusted = self.trusted is not False and look.tls_problem is None
        self._see_page(look)

    def _see_page(self, look: Observation) -> None:
        page = _page(look)
        if page == (None, None):
            return
        if self.page is None:
            self.page = page
        if _pages_differ(self.page, page):
            self.varies = True  # a control said that it is up all the same
        else:
            self.same_pages += 1
            self.varies = self.varies or self.changed_once


def _page(look: Observation) -> tuple[int | None, str | None]:
    return look.content_length, look.etag_id


def _pages_differ(before: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    return any(a != b for a, b in zip(before, now, strict=True) if a is not None and b is not None)


def look_features(
    look: Observation,
    control: ControlLook | None,
    *,
    canary: Canary,
    differed_before: bool,
    past: Past | None = None,
    tags: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The features of one look that rules ask about."""
    return {
        "phase": look.phase,
        "failure": look.failure,
        "status": look.status,
        "method": look.method,
        "marks": look.marks,
        "redirect": look.redirect,
        "profile": look.profile,
        "canary": canary,
        "control": compare(look, control),
        "differed_before": differed_before,
        "catch_all": past is not None and past.is_catch_all(look),
        "tags": tags,
        "link_exists": _link_exists(look),
        "tls": _tls(look, past),
        "changed": past.changed(look) if past else "no",
        "head_status": look.head_status,
    }


def _link_exists(look: Observation) -> str | None:
    if look.link_check is None:
        return None
    return "unclear" if look.link_exists is None else "yes" if look.link_exists else "no"


def _tls(look: Observation, past: Past | None) -> str:
    if look.tls_problem:
        return "newly_bad" if past and past.trusted else "bad"
    return "ok" if look.certificate_id else "none"
