"""What is known of one hoster: what the book says of it, who decided that, and what the study saw of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from attribution.explain import BOOK, UNSEEN
from attribution.hosters.book import HosterBook
from attribution.hosters.book_of_day import BookOfDay
from attribution.hosters.listing import change_rows
from attribution.hosters.members import as_of_key
from attribution.snapshots import day_of
from waterbed.model.conclusions import ChainLink
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

_ROLES = {
    "proxies": "reverse proxy",
    "known_origins": "known origin",
    "operators": "operator",
    "as_holders": "AS holder",
    "upstreams": "upstream",
}


def chain_of_hoster(study: Study, key: str, day: date | None) -> list[ChainLink] | None:
    """The chain of a hoster by its key, None if nothing is known of it; with `day`, as of that day."""
    done, book = study.conclude(), study.book()
    on = day or day_of(study.clock())
    today = book.on(on)
    seen = list(_seen(done, key, day))
    known = key in today.entities or key in today.held() or bool(change_rows(book, key))
    if not known and not seen and as_of_key(key) is None:
        return None
    if not seen:
        seen = [ChainLink(about=key, step="seen", value="in no look", source="looks")]
    return [*_entity(done, today, key, on), *_decided(book, key), *seen]


def _entity(done: Conclusions, today: BookOfDay, key: str, on: date) -> Iterator[ChainLink]:
    when = datetime.combine(on, time(12), UTC)
    note = UNSEEN if today.unreviewed(key) else ""
    source = {"known": "known proxies and platforms", "file": "hosters.toml", "decided": "decisions"}.get(
        today.origin(key) or "", BOOK if key in today.held() else "nobody claims it"
    )
    name = done.attributor.name_of(key)
    yield ChainLink(about=key, step="name", value=name, source=source, data_date=when, note=note)
    yield ChainLink(about=key, step="kind", value=today.kind(key), source=source, data_date=when)
    seat, members = today.country(key), today.members(key)
    company = today.company(key)
    if seat:
        yield ChainLink(about=key, step="legal seat", value=seat, source=source, data_date=when)
    if company != key:
        note = UNSEEN if today.unreviewed(company) else ""
        yield ChainLink(about=key, step="part of", value=company, source=BOOK, data_date=when, note=note)
    elif not members:
        yield ChainLink(about=key, step="member", value="none on this day", source=BOOK, data_date=when)
    for member in members:
        yield ChainLink(about=key, step="member", value=member, source=BOOK, data_date=when)


def _decided(book: HosterBook, key: str) -> Iterator[ChainLink]:
    """The changes of the book that name it, and what has become of them."""
    for row in change_rows(book, key):
        whom = {
            "merge": f"{row.key} is part of {row.into}",
            "succession": f"{row.into} took over from {row.key}",
            "split": f"{' '.join(row.members)} of {row.into} became {row.key}",
            "undo": f"of {row.key}",
        }.get(row.kind, row.key)
        since = f" from {row.since}" if row.since else ""
        yield ChainLink(
            about=key,
            step=row.kind,
            value=f"{whom}{since}: {row.reason}",
            source=f"decision {row.change_id[:8]} of {row.who}",
            data_date=row.decided_at,
            note=row.status,
        )


def _seen(done: Conclusions, key: str, day: date | None) -> Iterator[ChainLink]:
    """The looks that name it, as hoster and in other roles; with `day`, those of that day."""
    pairs = zip(done.facts.looks, done.attributions, strict=True)
    seen = [(look, made) for look, made in pairs if made and (day is None or day_of(look.observed_at) == day)]
    mine = [(look, made) for look, made in seen if key in made.hosters]
    if mine:
        first, last = min(look.observed_at for look, _ in mine), max(look.observed_at for look, _ in mine)
        urls = len({look.url_id for look, _ in mine})
        value = f"{urls:,} URL{'' if urls == 1 else 's'} in {_looks(len(mine))}"
        yield ChainLink(about=key, step="seen", value=value, source="looks", data_date=last, since=first, until=last)
    for (rule, ruleset), count in sorted(Counter((made.rule, made.ruleset) for _, made in mine).items()):
        yield ChainLink(about=key, step="chosen by rule", value=_looks(count), source=ruleset, rule=rule)
    for role, called in _ROLES.items():
        count = sum(key in getattr(made, role) for _, made in seen)
        if count:
            yield ChainLink(about=key, step=called, value=f"of {_looks(count)}", source="looks")
    platform = sum(key == made.platform for _, made in seen)
    if platform:
        yield ChainLink(about=key, step="platform", value=f"of {_looks(platform)}", source="looks")


def _looks(count: int) -> str:
    return f"{count:,} look{'' if count == 1 else 's'}"
