"""Companies that a publication names."""

import re
from typing import Final

from waterbed.model.codec import columns
from waterbed.publish.policy import COMPANIES, KEYS, Publication

_OF_CASES: Final = ("hoster", "hosters", "from_hoster", "to_hoster")
"""Fields of single cases that name hosters."""
_COUNTRY: Final = re.compile("[A-Z]{2}")
_NOBODY: Final = {"unknown", "others"}
"""Keys that stand for no hoster."""


def named_hosters(publication: Publication) -> list[str]:
    """Keys of all companies that a publication names, in order.

    An AS stands for the company that holds it; countries and categories are no company's. Targets, controls and buffers
    of public events are named too.
    """
    named = {*publication.addressed, *(key for key in publication.declared if not _COUNTRY.fullmatch(key))}
    for table in publication.tables:
        fields = _OF_CASES if table.case_level else KEYS if table.envelope.by in COMPANIES else ()
        for value in (getattr(row, name) for name in fields if name in columns(table.cls) for row in table.rows):
            named |= {value} if isinstance(value, str) else set(value)
    return sorted({publication.companies.get(key, key) for key in named} - _NOBODY)
