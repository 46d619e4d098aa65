"""The company that a question about one hoster means."""

from datetime import UTC, date

from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.errors import InputError
from waterbed.model.redaction import meant, shown
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study


def day_of(study: Study, conclusions: Conclusions) -> date:
    """The day of the last check, else today."""
    return (conclusions.until or study.clock()).astimezone(UTC).date()


def company_named(conclusions: Conclusions, key: str, day: date) -> str:
    """The company of a hoster's key on a day.

    InputError, with a key that may be meant, if neither the study nor the book knows it.
    """
    book = conclusions.attributor.book
    company = book.on(day).company(key)
    known = (
        company in conclusions.whole.hosters
        or book.on(day).exists(company)
        or any(n.recipient == company or company in n.hosters for n in conclusions.notices)
        or any(row.key == company for row in ranking_of(conclusions))
    )
    if not known:
        alike = meant(key, {*conclusions.whole.hosters, *book.by_key})
        raise InputError(
            f"neither the study nor its book knows the hoster {shown(key)}{alike}; a key of waterbed rank was expected "
            "(docs/notices.md)"
        )
    return company
