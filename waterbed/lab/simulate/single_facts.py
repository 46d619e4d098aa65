"""Single facts of a virtual study, and their ids."""

from datetime import datetime
from hashlib import sha256

from waterbed.lab.world.records import TrueReport
from waterbed.model.facts import ControlLook, Observation, Report, Resolution, Target
from waterbed.model.urls import SPELLING, canonicalize, platform_suffix, registrable_domain

RUN, PLACE, SECOND = "virtual", "virtual", "second"
"""The run, its vantage point, and a second one of another network."""


def keyed(kind: str, text: str) -> str:
    """Return an id for a text in a virtual study."""
    return sha256(f"{kind} {text}".encode()).hexdigest()[:24]


def url_id_of(url: str) -> str:
    """The id of a URL, over its canonical spelling."""
    return keyed("url", canonicalize(url).url)


def target_of(url_id: str, url: str, added: datetime) -> Target:
    """Return a URL with its keyed ids."""
    canonical = canonicalize(url)
    site, suffix = registrable_domain(canonical.host), platform_suffix(canonical.host)
    return Target(
        url_id=url_id,
        host_id=keyed("host", canonical.host),
        site_id=keyed("site", site),
        label_id=keyed("label", site.partition(".")[0]),
        path_id=keyed("path", canonical.target),
        suffix_id=keyed("suffix", suffix) if suffix else None,
        spelling=SPELLING,
        suffix_list="virtual",
        added_at=added,
    )


def report_of(url_id: str, report: TrueReport, received: datetime) -> Report:
    """Return a report, received at some time."""
    return Report(
        report_id=keyed("report", f"{report.url} {report.reported_at.isoformat()}"),
        url_id=url_id,
        source=report.source,
        category=report.category,
        site_type=None,
        commercial=None,
        assessed_illegal=None,
        verified_at=None,
        content_id=keyed("content", report.content_id),
        reported_at=report.reported_at,
        received_at=received,
    )


def look_of(
    url_id: str,
    now: datetime,
    resolution: Resolution,
    *,
    phase: str = "http",
    failure: str | None = None,
    status: int | None = None,
    control: ControlLook | None = None,
    marks: tuple[str, ...] = (),
    led: tuple[str | None, str] | None = None,
) -> Observation:
    """Return a look, with the number of its resolution.

    `led` are the ids of the URL and site that it was redirected to.
    """
    return Observation(
        observation_id=resolution.resolution_id,
        url_id=url_id,
        run_id=RUN,
        vantage=PLACE,
        scheduled_at=now,
        observed_at=now,
        resolution_id=resolution.resolution_id,
        profile="strict",
        method="HEAD",
        address=resolution.addresses[0] if resolution.addresses else None,
        port=80,
        phase=phase,  # type: ignore[arg-type]  # dns or http
        failure=failure,
        status=status,
        media_type="text/html" if status == 200 else None,
        content_length=None,
        etag_id=None,
        last_modified_id=None,
        server=None,
        marks=marks,
        redirect="other" if led else None,
        redirect_url_id=led[0] if led else None,
        redirect_site_id=led[1] if led else None,
        steps=0,
        retry_after_s=None,
        tls_version=None,
        tls_problem=None,
        certificate_id=None,
        public_key_id=None,
        control_id=control.control_id if control else None,
        bytes_read=0,
        connect_ms=None,
        head_ms=None,
        network=PLACE,
    )
