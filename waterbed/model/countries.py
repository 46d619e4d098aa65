"""Country codes of ISO 3166-1, as address registries use them."""

from typing import Final

from waterbed.model.redaction import shown

_CODES: Final = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRIES: Final = frozenset(_CODES.split())
"""The assigned two-letter codes, and XK, by which tables of addresses mean Kosovo."""
_OTHERS: Final = {"UK": "the United Kingdom is GB", "EL": "Greece is GR", "EU": "the European Union is no country"}


def not_a_country(code: str) -> str | None:
    """The reason why a code is no country's, or None."""
    if code in COUNTRIES:
        return None
    hint = _OTHERS.get(code) or (f"write {code.upper()}" if code.upper() in COUNTRIES else "")
    return f"{shown(code)} is no country code of ISO 3166-1, such as NL{'; ' + hint if hint else ''}"
