"""Dates as people write them in lists; which number is the day is found out, never guessed."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final, Literal, get_args

from waterbed.model.errors import InputError

DayOrder = Literal["dmy", "mdy"]

_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.]?)(\d\d?)\2(\d\d?)(?:[T ,].*)?")
_YEAR_LAST: Final = re.compile(r"(\d\d?)[-/.](\d\d?)[-/.](\d{4}|\d\d)(?:[T ,].*)?")
_NAMED: Final = re.compile(
    r"(?:(?P<day>\d\d?)[- .]*(?P<month>[A-Za-z]{3,9})|(?P<month2>[A-Za-z]{3,9})[- .]*(?P<day2>\d\d?))"
    r"[- .,]*(?P<year>\d{4})(?:[T ,].*)?"
)
_MONTHS: Final = {
    **{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10},
    **{"nov": 11, "dec": 12, "mrt": 3, "maa": 3, "mei": 5, "okt": 10},
}


def day_order(texts: Iterable[str], name: str, told: str | None = None) -> DayOrder | None:
    """Whether days or months come first in a file's dates; None where no date leaves it open.

    One number above 12 tells it for the whole file. InputError if numbers tell both, or none does and `told` neither.
    """
    if told is not None and told not in get_args(DayOrder):
        raise InputError(f"--dates is {told!r}; dmy (5-1-2026) or mdy (1/5/2026) was expected (docs/reconcile.md)")
    pairs = [(int(found[1]), int(found[2])) for text in texts if (found := _YEAR_LAST.fullmatch(text.strip()))]
    days_first = any(first > 12 for first, _ in pairs)
    months_first = any(second > 12 for _, second in pairs)
    if days_first and months_first:
        raise InputError(
            f"{name} has dates that only fit day first and others that only fit month first; mend the file"
        )
    if days_first or months_first:
        found_order: DayOrder = "dmy" if days_first else "mdy"
        if told and told != found_order:
            raise InputError(f"{name} has dates that do not fit --dates {told}; leave it out, or mend the file")
        return found_order
    if told:
        return "dmy" if told == "dmy" else "mdy"
    if any(first != second for first, second in pairs):
        raise InputError(
            f"{name} has {len(pairs)} dates such as 5-1-2026, and none tells day from month; name --dates dmy or mdy"
        )
    return "dmy" if pairs else None


def written_date(text: str, order: DayOrder | None) -> date | None:
    """The day that a text names, None if it names none; a time with a zone counts by its day in UTC."""
    text = text.strip()
    try:
        if zoned := _zoned(text):
            return zoned
        if found := _YEAR_FIRST.fullmatch(text):
            return date(int(found[1]), int(found[3]), int(found[4]))
        if order and (found := _YEAR_LAST.fullmatch(text)):
            first, second, year = (int(part) for part in found.groups())
            day, month = (first, second) if order == "dmy" else (second, first)
            return date(year if year > 99 else 2000 + year, month, day)
        if found := _NAMED.fullmatch(text):
            month = _MONTHS.get((found["month"] or found["month2"])[:3].lower(), 0)
            return date(int(found["year"]), month, int(found["day"] or found["day2"]))
    except ValueError:
        return None
    return None


def _zoned(text: str) -> date | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.astimezone(UTC).date() if read.tzinfo else None
