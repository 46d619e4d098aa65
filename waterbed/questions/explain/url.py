"""The chain behind one URL.

Reports, looks, who answered and when that changed, episodes.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import groupby

from waterbed.attribution.explain import Sources, Validity, links_of_set
from waterbed.attribution.snapshots import day_of
from waterbed.measures.told_origins import answers_of
from waterbed.model.actors import ACTED, WHY
from waterbed.model.bookkeeping import Forgotten
from waterbed.model.conclusions import NAME_ONLY, Attribution, ChainLink, Episode, Verdict
from waterbed.model.facts import Observation, Resolution, reported_at
from waterbed.questions.explain.link import linked_to
from waterbed.study.assessment import once_each
from waterbed.study.conclusions import Conclusions
from waterbed.study.external import ExternalConclusions
from waterbed.study.study import Study

_Look = tuple[Observation, Verdict, Attribution | None]
_NO_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_OURS = "no check of ours"
_TAKEN_BACK = "the platform took back the name that it gave"
_NAME_ONLY = "its addresses are those of the parking service or banner; no result names their hoster"
_NO_ADDRESS = ("nxdomain", "nodata")
"""Answers that rule out any address."""


def chain_of_url(study: Study, url_id: str, day: date | None) -> list[ChainLink]:
    """The chain of a URL that the study knows.

    With `day`, of the looks of that day alone (UTC). First what holds at all times, then looks and answers in order of
    time, then episodes. Each link of an answer stands once, with the first and the last look at which it held.
    """
    conclusions = study.conclude()
    seen = list(conclusions.seen_of(url_id))
    looks = [row for row in seen if day is None or day_of(row[0].observed_at) == day]
    timed = [*_looks(url_id, looks), *_answers(study, conclusions, url_id, looks)]
    if not looks:
        when = f"on {day}" if day else "yet"
        timed.append(ChainLink(about=url_id, step="look", value=f"none {when}", source="looks"))
    timed += _domain(conclusions, url_id, day)
    linked = list(linked_to(conclusions, url_id))
    timed += _told_origins(study, conclusions.all_facts.targets[url_id].host_id, url_id, day)
    timed += _external(ExternalConclusions(conclusions, study.config.testimony), url_id, day)
    timed += [link for link in linked if link.since and (day is None or day_of(link.since) == day)]
    timed.sort(key=lambda link: link.since or datetime.min.replace(tzinfo=UTC))
    episodes = (
        episode
        for episode in conclusions.episodes
        if episode.url_id == url_id and (day is None or _touches(episode, day))
    )
    timeless = [*_known(study, conclusions, url_id), *(link for link in linked if link.since is None)]
    unnamed = {verdict.observed_at for _, verdict, _ in seen if verdict.cause == "name"}
    return [*timeless, *timed, *(_episode(episode, unnamed) for episode in episodes)]


def _known(study: Study, conclusions: Conclusions, url_id: str) -> Iterator[ChainLink]:
    """The reports of a URL, and its ids."""
    reports = once_each([report for report in conclusions.all_facts.reports if report.url_id == url_id])
    for report in sorted(reports, key=lambda report: report.received_at):
        when = reported_at(report)
        yield ChainLink(about=url_id, step="report", value=report.category, source=report.source, data_date=when)
    aside = conclusions.set_aside
    if url_id in aside:
        assessment = "not illegal" if url_id in aside.not_illegal else "not yet"
        value = f"assessed {assessment}: the URL counts nowhere"
        yield ChainLink(about=url_id, step="assessment", value=value, source="reports")
    for forgotten in study.store.by_ids(Forgotten, "entry_id", [url_id]):
        value = "its URL was shredded; what was seen under its id stays"
        yield ChainLink(about=url_id, step="forgotten", value=value, source="audit", data_date=forgotten.forgotten_at)
    target = conclusions.all_facts.targets[url_id]
    added = target.added_at
    for step, value, source in (
        ("host", target.host_id, f"spelling {target.spelling}"),
        ("site", target.site_id, f"suffix list {target.suffix_list}"),
    ):
        yield ChainLink(about=url_id, step=step, value=value, source=source, data_date=added)


def _told_origins(study: Study, host_id: str, url_id: str, day: date | None) -> Iterator[ChainLink]:
    """The answers of a CDN's origin service about the host."""
    for answer in answers_of(study, host_id):
        if day is None or day_of(answer.told_at) == day:
            parts = (*answer.addresses, f"AS{answer.asn}" if answer.asn else "", answer.hoster or "")
            yield ChainLink(
                about=url_id,
                step="told origin",
                value=", ".join(filter(None, parts)) or answer.outcome.replace("_", " "),
                source=f"origin service of {answer.proxy}",
                data_date=answer.told_at,
                since=answer.told_at,
                until=answer.told_at,
                note="told in confidence, never connected to",
            )


def _external(external: ExternalConclusions, url_id: str, day: date | None) -> Iterator[ChainLink]:
    """Observations and episodes of other observers."""
    for observation in external.conclusions.facts.external_observations:
        since, until = (
            observation.first_seen or observation.since,
            observation.last_seen or observation.since or observation.first_seen,
        )
        if observation.url_id == url_id and (
            day is None or (since and until and day_of(since) <= day <= day_of(until))
        ):
            parts = (
                observation.status or "no state",
                observation.address or "no address",
                observation.reference and f"case {observation.reference}",
            )
            yield ChainLink(
                about=url_id,
                step="told",
                value=", ".join(filter(None, parts)),
                source=f"{observation.observer}, by {observation.source}",
                data_date=observation.received_at,
                since=since,
                until=until,
                note=_NOT_OURS,
            )
    for episode in external.episodes:
        if episode.url_id == url_id and (day is None or _touches(episode, day)):
            link = _episode(episode, ())
            yield replace(link, step="told episode", source=f"{episode.observer}, by {episode.source}", note=_NOT_OURS)


def _domain(conclusions: Conclusions, url_id: str, day: date | None) -> Iterator[ChainLink]:
    """What its registry said of the domain; the same answers in a row are one link."""
    registry_answers = conclusions.domains.answers.get(conclusions.all_facts.targets[url_id].site_id, ())
    day_answers = [answer for answer in registry_answers if day is None or day_of(answer.fetched_at) == day]
    for (status, registrar, states, expires), group in groupby(
        day_answers, key=lambda answer: (answer.status, answer.registrar, answer.states, answer.expires_on)
    ):
        answers = list(group)
        registered = f"{registrar or 'no registrar named'}: {', '.join(states) or 'no status'}"
        yield ChainLink(
            about=url_id,
            step="domain",
            value="not registered" if status == "not_found" else registered,
            source=f"registry of .{answers[0].tld}",
            data_date=answers[-1].fetched_at,
            since=answers[0].fetched_at,
            until=answers[-1].fetched_at,
            note=f"expires {expires:%Y-%m-%d}" if expires else "",
        )


def _looks(url_id: str, seen: Sequence[_Look]) -> Iterator[ChainLink]:
    """Consecutive looks with the same verdict, as one link."""
    for (outcome, rule, check, name_only), group in groupby(
        seen,
        key=lambda row: (row[1].outcome, row[1].rule, row[0].link_check, row[1].cause in NAME_ONLY and bool(row[2])),
    ):
        looks = list(group)
        answers = sorted({str(look.status or look.failure) for look, _, _ in looks})
        counted = f"{len(looks):,} check{'s' if len(looks) > 1 else ''}"
        yield ChainLink(
            about=url_id,
            step="hoster's word" if check else "look",
            value=f"{outcome}: {counted}, answered {', '.join(answers)}",
            source=looks[0][1].ruleset,
            data_date=looks[-1][0].observed_at,
            since=looks[0][0].observed_at,
            until=looks[-1][0].observed_at,
            rule=rule,
            note=f"link check {check}, in place of the content" if check else _NAME_ONLY if name_only else "",
        )


def _answers(study: Study, conclusions: Conclusions, url_id: str, seen: Iterable[_Look]) -> Iterator[ChainLink]:
    """Links of the chains behind looks, and their changes.

    Each change is one from an answer to the next.
    """
    sources = Sources(study.snapshots(), study.tables("hosting"), study.config.routes_max_age_days)
    lasting = Validity()
    previous: tuple[str, ...] = ()
    rows = list(seen)
    resolutions = conclusions.facts.resolutions_by_id({row[0].resolution_id for row in rows if row[0].resolution_id})
    for _, group in groupby(rows, key=lambda row: _alike(conclusions, resolutions, row)):
        looks = list(group)
        first, last = looks[0][0].observed_at, looks[-1][0].observed_at
        links = list(_answer(conclusions, resolutions, sources, *looks[0]))
        if not links:
            continue
        now = looks[0][2].hosters if looks[0][2] else ()
        new = lasting.take(links, first, last)
        if new:
            yield ChainLink(
                about=url_id,
                step="change",
                value=_changed(previous, now, new),
                source="looks",
                data_date=first,
                since=first,
                until=first,
            )
        previous = now
    yield from lasting.links()
    if lasting.returns > 1:
        value = f"{lasting.changes:,} changes of the answer, {lasting.returns:,} back to something known"
        yield ChainLink(about=url_id, step="rotation", value=value, source="looks")


def _alike(conclusions: Conclusions, resolutions: Mapping[str, Resolution], row: _Look) -> object:
    """The data on which the chain behind a look depends."""
    look, _, attribution = row
    dns_answer = resolutions.get(look.resolution_id or "")
    resolution = dns_answer and (dns_answer.status, dns_answer.cname_ids, dns_answer.tags)
    return (
        day_of(look.observed_at),
        conclusions.origin_behind(look),
        resolution,
        attribution and replace(attribution, day=_NO_DAY),
    )


def _answer(
    conclusions: Conclusions,
    resolutions: Mapping[str, Resolution],
    sources: Sources,
    look: Observation,
    _: Verdict,
    made: Attribution | None,
) -> Iterator[ChainLink]:
    """The chain behind one look.

    Empty where the resolver gave no certain answer.
    """
    dns_answer = resolutions.get(look.resolution_id or "")
    if dns_answer is None or (made is None and dns_answer.status not in _NO_ADDRESS):
        return
    for alias in dns_answer.cname_ids:
        yield ChainLink(about=look.url_id, step="alias", value=alias, source="resolver")
    for tag in dns_answer.tags:
        yield ChainLink(about=look.url_id, step="tag", value=tag, source="known infrastructure")
    if made is None:
        yield ChainLink(about=look.url_id, step="address", value=f"none ({dns_answer.status})", source="resolver")
        return
    yield from links_of_set(
        conclusions.attributor,
        made,
        sources,
        about=look.url_id,
        known_origin=conclusions.origin_behind(look),
        behind_cdn="cdn" in dns_answer.tags,
    )


def _changed(before: Sequence[str], now: Sequence[str], new: Sequence[str]) -> str:
    """The steps that changed, hosters by name."""
    if tuple(before) == tuple(now):
        return ", ".join(new)
    other_steps = ", ".join(step for step in new if step != "hoster")
    return (
        f"hoster {' '.join(before) or 'none'} to {' '.join(now) or 'none'}{f'; {other_steps}' if other_steps else ''}"
    )


def _touches(episode: Episode, day: date) -> bool:
    """True if an episode overlaps a day."""
    return day_of(episode.known_up_at) <= day and (episode.first_down is None or day <= day_of(episode.first_down))


def _episode(episode: Episode, unnamed: Container[datetime]) -> ChainLink:
    """An episode; at the times `unnamed` the name itself was gone."""
    ended = (
        f"ended ({episode.cause}) by {episode.first_down:%Y-%m-%d %H:%M}" if episode.first_down else "not seen to end"
    )
    taken_back = episode.cause == "removed" and episode.first_down in unnamed
    explanation = f"{ACTED[episode.cause]}: {WHY[episode.cause]}" if episode.cause and episode.cause in WHY else ""
    return ChainLink(
        about=episode.url_id,
        step="episode",
        value=f"at {episode.hoster}, {ended}",
        source="looks",
        since=episode.known_up_at,
        until=episode.last_up,
        note=_TAKEN_BACK if taken_back else explanation,
    )
