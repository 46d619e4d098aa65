"""Signs of looks, look by look."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from waterbed.graphs.linking import signs
from waterbed.graphs.linking.evidence import Role, Sign
from waterbed.graphs.linking.near_labels import NearLabels
from waterbed.model.conclusions import EvidenceKind
from waterbed.model.facts import ControlLook, Observation, Report, Resolution, Target

_NO_PAGE = frozenset({"challenge", "suspended", "removed", "parked", "seized"})
"""Marks of answers that are not the content: what they share is their hoster's."""

_LISTED = {f"{tag}{by}" for tag in ("parking", "seized") for by in ("", "_by_name_servers")}


def signs_of(
    targets: Mapping[str, Target],
    reports: Iterable[Report],
    looks: Iterable[Observation],
    *,
    resolutions: Mapping[str, Resolution],
    controls: Mapping[str, ControlLook],
    near: Iterable[NearLabels] = (),
) -> list[Sign]:
    """All signs of a study's URLs, those of looks one by one."""
    urls, sites = set(targets), {target.site_id for target in targets.values()}
    answered: dict[str, tuple[datetime, datetime]] = {}
    seen = []
    for look in looks:
        when = look.observed_at
        if look.failure is None:
            first, last = answered.get(look.url_id, (when, when))
            answered[look.url_id] = min(first, when), max(last, when)
        for kind, key, role in _of_look(look, urls, sites, resolutions, controls):
            seen.append(Sign(url_id=look.url_id, kind=kind, key=key, first=when, last=when, role=role))
    return signs.signs_of(targets, reports, seen, answered=answered, near=near)


def _of_look(
    look: Observation,
    urls: set[str],
    sites: set[str],
    resolutions: Mapping[str, Resolution],
    controls: Mapping[str, ControlLook],
) -> Iterator[tuple[EvidenceKind, str, Role]]:
    """Yield the signs of one check."""
    resolution = resolutions.get(look.resolution_id or "")
    if resolution and resolution.name_server_ids and not _LISTED & set(resolution.tags):
        yield "name_servers", " ".join(resolution.name_server_ids), ""
    if "cdn" not in look.marks:  # a proxy's certificate is shared by its customers
        if look.certificate_id:
            yield "certificate", look.certificate_id, ""
        if look.public_key_id:
            yield "public_key", look.public_key_id, ""
    if look.redirect_url_id in urls and look.redirect_url_id != look.url_id:
        yield ("same_url" if look.redirect == "same" else "redirect_url"), look.redirect_url_id, "from"
    if look.redirect == "other" and look.redirect_site_id in sites:
        yield "redirect_site", look.redirect_site_id, "from"
    yield from _of_page(look, controls.get(look.control_id or ""))


def _of_page(look: Observation, control: ControlLook | None) -> Iterator[tuple[EvidenceKind, str, Role]]:
    """Yield the signs of a page.

    Nothing if any path gets this answer, or if it holds no content.
    """
    if look.status is None or not 200 <= look.status < 300 or _NO_PAGE.intersection(look.marks):
        return
    if look.etag_id and look.content_length and (control is None or control.etag_id != look.etag_id):
        yield "etag", f"{look.etag_id} {look.content_length}", ""
    if look.title_id:
        yield "title", look.title_id, ""
    if look.page_id:
        yield "page", look.page_id, ""
