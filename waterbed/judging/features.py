"""Features of one look, its control and its URL's past."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from waterbed.model.facts import ControlLook, Observation

Relation = Literal["same", "differs", "none"]
Canary = Literal["ok", "failed", "none"]
Answered = Literal["up", "unclear", "no"]

FEATURES: Final[Mapping[str, tuple[Any, ...] | type]] = {
    "phase": ("schedule", "dns", "guard", "connect", "tls", "http"),
    "failure": str,
    "status": int,
    "method": str,
    "marks": str,
    "redirect": ("same", "front", "site", "other", "bad"),
    "profile": ("strict", "headers", "text"),
    "canary": ("ok", "failed", "none"),
    "control": ("same", "differs", "none"),
    "control_redirect": ("no", "same", "front", "site", "other", "bad"),
    "control_before": ("same", "changed", "none"),
    "differed_before": (True, False),
    "answered_before": ("up", "unclear", "no"),
    "catch_all": (True, False),
    "tags": str,
    "link_exists": ("yes", "no", "unclear"),
    "tls": ("ok", "bad", "newly_bad", "none"),
    "changed": ("type", "page", "no"),
    "head_status": int,
    "authenticated": ("yes", "no", "none"),
}
"""Features that a rule may test: all their values, or their type."""

_CONTROLLED: Final = ("status", "redirect", "redirect_site_id", "media_type", "content_length", "etag_id")
_OPTIONAL: Final = ("content_length", "etag_id")
"""Stated by some answers only: compared where both sides state them."""


def comparable(look: Observation, control: ControlLook | None) -> dict[str, bool]:
    """Map each stable feature to its equality with the control.

    Features must be stated by both. Empty where a comparison is impossible: no control, a failed one, one whose status
    varies at random, or one that another vantage took and that differs.
    """
    if control is None or control.failure is not None or look.status is None or "status" in control.unstable:
        return {}
    if look.head_status is not None and look.head_status == control.status != look.status:
        return {}  # controls use HEAD, and this host answers HEAD alike for existing and missing paths
    pairs = (
        (name, getattr(look, name), getattr(control, name)) for name in _CONTROLLED if name not in control.unstable
    )
    equal = {name: a == b for name, a, b in pairs if name not in _OPTIONAL or (a is not None and b is not None)}
    if control.vantage != look.vantage and not all(equal.values()):
        return {}  # a host may answer another vantage differently on every path
    return equal


def compare(look: Observation, control: ControlLook | None) -> Relation:
    """Compare a look with its host's answer to random paths.

    `same` if all features are equal that both state and that random paths of the host have in common. A page without
    length and ETag differs by status, media type or redirect alone.
    """
    return _relation(comparable(look, control))


def _relation(equal: Mapping[str, bool]) -> Relation:
    return "none" if not equal else "same" if all(equal.values()) else "differs"


def answer_of(control: ControlLook | None) -> Hashable:
    """All that a host's random paths have in common in an answer of 2xx or 3xx; None for another, or without one."""
    if control is None or control.failure is not None or control.status is None or control.status // 100 not in (2, 3):
        return None
    stable = (None if name in control.unstable else getattr(control, name) for name in _CONTROLLED if name != "status")
    return (control.status, *stable)


@dataclass(slots=True)
class Past:
    """Results of earlier looks at one URL, updated by each."""

    differed_in: set[str] = field(default_factory=set)
    """Features in which an up look differed from its control."""
    answered: Answered = "no"
    """Whether the URL itself was answered with 2xx: seen `up` so, or so that nothing was clear."""
    control_answer: Hashable = None
    """What the look's control was answered, see `answer_of`."""
    controls: set[Hashable] = field(default_factory=set)
    """The same of the usable controls of up looks."""
    control_class: int | None = None
    """Status class of the last usable control."""
    types: set[str] = field(default_factory=set)
    redirects: set[str | None] = field(default_factory=set)
    page: tuple[int | None, str | None] | None = None
    """Length and ETag of the up looks, while all agree."""
    same_pages: int = 0
    changed_once: bool = False
    varies: bool = False
    """The page changed and came back, so a change proves nothing."""
    trusted: bool | None = None
    """True if no up look had a certificate problem; None before one."""
    keys: set[str] = field(default_factory=set)
    """Public keys of the up looks."""
    trust_asked: bool = False
    """True if it is known of an up look whether its certificates were trusted."""

    def differed(self, look: Observation, control: ControlLook | None) -> bool:
        """True if an earlier look differed in a comparable feature.

        A feature that is no longer stated, or that turned out to vary among random paths, does not indicate a removal.
        """
        return not self.differed_in.isdisjoint(comparable(look, control))

    def control_before(self) -> str:
        """Return whether random paths are answered as they were when the URL was up: `same`, `changed` or `none`."""
        if not self.controls:
            return "none"
        return "same" if self.control_answer in self.controls else "changed"

    def is_catch_all(self, look: Observation) -> bool:
        """True if the last control had the look's status class.

        Only 2xx and 3xx count.
        """
        return look.status is not None and look.status // 100 in (2, 3) and look.status // 100 == self.control_class

    def changed(self, look: Observation) -> str:
        """Return `type` or `page` if the answer changed, else `no`.

        It is compared with earlier up looks. A change of page counts if at least two up looks agreed and the page
        never changed and came back.
        """
        if look.media_type and self.types and look.media_type not in self.types:
            return "type"
        if self.redirects and look.redirect not in self.redirects:
            return "page"
        fixed = self.same_pages >= 2 and not self.varies
        return "page" if fixed and self.page is not None and _pages_differ(self.page, _page(look)) else "no"

    def see(self, look: Observation, control: ControlLook | None, state: str) -> None:
        """Add a judged look."""
        equal = comparable(look, control)
        if equal and control is not None and control.status is not None:
            self.control_class = control.status // 100
        if look.status is not None and look.status // 100 == 2 and look.link_check is None:
            self.answered = "up" if "up" in (state, self.answered) else "unclear"
        if state != "up":
            if look.status is not None and self.same_pages >= 2 and self.changed(look) == "page":
                self.changed_once = True
            return
        self.differed_in.update(name for name, same in equal.items() if not same)
        if equal:
            self.controls.add(self.control_answer)
        if look.media_type:
            self.types.add(look.media_type)
        self.redirects.add(look.redirect)
        if look.tls_version is None or look.certificate_id is not None:
            self.trusted = self.trusted is not False and look.tls_problem is None
        if look.public_key_id:
            self.keys.add(look.public_key_id)
        self.trust_asked = self.trust_asked or look.tls_trust is not None
        self._see_page(look)

    def _see_page(self, look: Observation) -> None:
        page = _page(look)
        if page == (None, None):
            return
        if self.page is None:
            self.page = page
        if _pages_differ(self.page, page):
            self.varies = True  # the control showed that the URL is up all the same
        else:
            self.same_pages = min(2, self.same_pages + 1)  # more than two say no more
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
    """The features of one look that rules test."""
    equal = comparable(look, control)
    return {
        "phase": look.phase,
        "failure": look.failure,
        "status": look.status,
        "method": look.method,
        "marks": look.marks,
        "redirect": look.redirect,
        "profile": look.profile,
        "canary": canary,
        "control": _relation(equal),
        "control_redirect": (control.redirect or "no") if control and equal else None,
        "control_before": past.control_before() if past and equal else "none",
        "differed_before": differed_before,
        "answered_before": past.answered if past else "no",
        "catch_all": past is not None and past.is_catch_all(look),
        "tags": tags,
        "link_exists": _link_exists(look),
        "tls": _tls(look, past),
        "changed": past.changed(look) if past else "no",
        "head_status": look.head_status,
        "authenticated": "none" if look.authenticated is None else "yes" if look.authenticated else "no",
    }


def _link_exists(look: Observation) -> str | None:
    if look.link_check is None:
        return None
    return "unclear" if look.link_exists is None else "yes" if look.link_exists else "no"


def _tls(look: Observation, past: Past | None) -> str:
    """Return whether the certificate is good.

    `newly_bad`: up looks had no problem and this one has, or nobody vouches for a public key that no up look had. The
    last can be said only where it is known of an up look whether it was trusted.
    """
    if not look.certificate_id:
        return "none"
    doubted = look.tls_problem is not None or look.tls_trust not in (None, "trusted")
    if past and look.tls_problem and past.trusted:
        return "newly_bad"
    if past and doubted and past.trust_asked and look.tls_trust and look.public_key_id not in past.keys:
        return "newly_bad"
    return "bad" if doubted else "ok"
