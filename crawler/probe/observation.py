"""Build the Observation that is stored; everything else is dropped."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from waterbed.crawler.probe.features import certificate_features, features
from waterbed.crawler.probe.follow import Step
from waterbed.crawler.probe.pages import marks_of_redirect, page_features
from waterbed.crawler.probe.trust import trust
from waterbed.model.bookkeeping import Due
from waterbed.model.codec import microseconds
from waterbed.model.facts import ControlLook, Observation, Profile
from waterbed.model.urls import CanonicalUrl, registrable_domain
from waterbed.store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The run, vantage, network and user agent of an observation."""

    run_id: str
    vantage: str
    network: str
    agent_id: str | None = None


def observation_id(due: Due, vantage: str) -> str:
    """Return the id of a due check from a vantage."""
    text = f"{due.url_id}\x00{microseconds(due.due_at)}\x00{vantage}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def observation(
    vault: Vault,
    origin: Origin,
    due: Due,
    step: Step,
    *,
    profile: Profile,
    resolution_id: str,
    control: ControlLook | None,
    started: datetime,
) -> Observation:
    """Build the observation of one check."""
    exchange, head, target = step.exchange, step.exchange.head, step.target
    head_features = features(head.fields if head else {}, vault.keyed_id, started)
    page = page_features(exchange.page, step.canonical, vault.keyed_id) if exchange.page is not None else None
    sent = exchange.certificates
    certificate = certificate_features(sent[0], step.canonical.host, vault.keyed_id, started) if sent else None
    marks = head_features.marks
    if target or page:
        marks = tuple(sorted({*marks, *marks_of_redirect(target), *(page.marks if page else ())}))
    status = head.status if head else None
    return Observation(
        observation_id=observation_id(due, origin.vantage),
        url_id=due.url_id,
        run_id=origin.run_id,
        vantage=origin.vantage,
        network=origin.network,
        agent_id=origin.agent_id,
        scheduled_at=due.due_at,
        observed_at=started,
        resolution_id=resolution_id,
        profile=profile,
        method=step.method,
        address=exchange.address,
        port=step.canonical.port,
        phase=exchange.phase,
        failure=exchange.failure,
        status=status,
        head_status=step.head_status,
        media_type=head_features.media_type,
        content_length=head_features.content_length,
        etag_id=head_features.etag_id,
        last_modified_id=head_features.last_modified_id,
        server=head_features.server,
        marks=marks,
        redirect=step.redirect,
        redirect_url_id=vault.keyed_id("url", target.url) if target else None,
        redirect_site_id=site_id(vault, target),
        steps=step.steps,
        retry_after_s=head_features.retry_after_s,
        tls_version=exchange.tls_version,
        tls_problem=certificate.problem if certificate else None,
        certificate_id=certificate.certificate_id if certificate else None,
        public_key_id=certificate.public_key_id if certificate else None,
        control_id=control.control_id if control else None,
        bytes_read=step.bytes_read,
        connect_ms=exchange.connect_ms,
        head_ms=exchange.head_ms,
        link_check=step.link_check,
        link_exists=step.link_exists,
        title_id=page.title_id if page else None,
        page_id=page.page_id if page else None,
        page_bytes=page.size if page else None,
        authenticated=step.authenticated if head else None,
        tls_trust=trust(sent, started.date()) if sent else None,
        certificate_from=certificate.valid_from if certificate else None,
    )


def site_id(vault: Vault, target: CanonicalUrl | None) -> str | None:
    """Return the keyed id of a redirect target's registrable domain."""
    return vault.keyed_id("site", registrable_domain(target.host)) if target else None


def fingerprint(vault: Vault, seen: Observation) -> str:
    """Return a hash that changes if the response changes.

    Of a check without response it is the failure's hash.
    """
    parts = (
        seen.failure,
        seen.status,
        seen.media_type,
        seen.content_length,
        seen.etag_id,
        seen.redirect,
        seen.redirect_site_id,
        seen.link_exists,
    )
    return vault.keyed_id("fingerprint", repr(parts))
