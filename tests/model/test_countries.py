"""A country is a code of ISO 3166-1."""

import pytest

from waterbed.model.countries import COUNTRIES, not_a_country
from waterbed.store.config import Config


@pytest.mark.parametrize(
    ("code", "hint"),
    [("UK", "the United Kingdom is GB"), ("EU", "no country"), ("XX", "such as NL"), ("nl", "write NL"), ("", "''")],
)
def test_what_is_no_country_is_said_with_a_hint(code: str, hint: str) -> None:
    """A home that no table of addresses ever gives would put everything abroad."""
    assert hint in (not_a_country(code) or "")
    with pytest.raises(ValueError, match=hint):
        Config(study="0" * 32, home=code)


def test_codes_are_those_of_the_standard_and_kosovo() -> None:
    """249 assigned codes, and the one that tables of addresses add."""
    assert len(COUNTRIES) == 250
    assert {"GB", "NL", "AQ", "XK"} <= COUNTRIES
    assert not any(map(not_a_country, COUNTRIES))
