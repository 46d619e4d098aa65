"""Notices, whom they reached, and the clocks they start."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from waterbed.attribution.addressees import SeenAnswer, addressed
from waterbed.attribution.hosters.book import HosterBook
from waterbed.attribution.lookups.rdap.domain_index import DomainIndex
from waterbed.graphs.runs import Run
from waterbed.model.codec import moment
from waterbed.model.takedown import AddressedNotice, NoticeContext
from waterbed.study.facts import Facts
from waterbed.study.linking import confirmed_in, reported_in


def addressed_in(
    facts: Facts, runs: Mapping[str, Sequence[Run]], book: HosterBook, domains: DomainIndex
) -> list[AddressedNotice]:
    """Return the latest version of each notice, with its addressees."""
    wanted = {notice.url_id for notice in facts.notices}
    seen = {
        url_id: [
            SeenAnswer(moment(int(when)), run.answer(nth), run.state == "down")
            for run in runs.get(url_id, ())
            if run.answered
            for nth, when in enumerate(run.at)
        ]
        for url_id in sorted(wanted)
    }
    sites = {url_id: facts.targets[url_id].site_id for url_id in wanted}
    company = lambda key, on: book.on(on.date()).company(key)  # noqa: E731
    return addressed(facts.notices, seen, sites, company, domains.registrar)


def context_of(notices: Iterable[AddressedNotice], facts: Facts) -> NoticeContext:
    """Return the origins of clocks, by URL."""
    about: dict[str, list[AddressedNotice]] = defaultdict(list)
    for notice in notices:
        about[notice.url_id].append(notice)
    since = {url_id: min(times) for url_id, times in reported_in(facts).items() if url_id in facts.targets}
    return NoticeContext(notices=about, known_since=since, confirmed=confirmed_in(facts))
