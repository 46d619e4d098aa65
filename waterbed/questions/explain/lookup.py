"""Explains one URL, address or hoster.

All that is known, as a chain of links with source, date and rule.
"""

import re
from datetime import date
from ipaddress import ip_address

from waterbed.attribution.hosters.members import is_key, member_of, stands_alone
from waterbed.model.bookkeeping import Forgotten
from waterbed.model.conclusions import ChainLink
from waterbed.model.errors import InputError
from waterbed.model.facts import Target
from waterbed.model.progress import stage
from waterbed.model.redaction import names_something, shown
from waterbed.model.shell import command
from waterbed.questions.explain.hoster import chain_of_address, chain_of_hoster
from waterbed.questions.explain.link import chain_between
from waterbed.questions.explain.url import chain_of_url
from waterbed.store.tables import TABLES
from waterbed.study.study import Study

_LEAST = 6
"""Digits that name an id at least."""
_KEYED = re.compile(f"[0-9a-f]{{{_LEAST},32}}")
_SHORT = re.compile(f"[0-9a-f]{{1,{_LEAST - 1}}}")
_WHOLE = 32
_SEE = "docs/attribution.md, Explain"


@stage("explaining")
def explain(study: Study, subject: str, day: date | None = None) -> list[ChainLink]:
    """The chain of a URL, an address or a hoster.

    A URL is named by its id or the beginning of it, a hoster by its key; with `day`, as of that day alone. InputError
    for anything else, and for what the study does not know; a text that could be an address of a report is not
    repeated.
    """
    text = subject.strip()
    address = _address(text)
    if address:
        return chain_of_address(study, address, day)
    if _KEYED.fullmatch(text):
        url_id = _url_id(study, text)
        if url_id:
            return chain_of_url(study, url_id, day)
    key = _key(text)
    if key is None and names_something(text):
        raise InputError(
            f"an address or name was given where an id was expected: type {command('explain', '-', study=study.path)}, "
            f"press Enter, paste the URL, and press Enter again; so no shell keeps it ({_SEE})"
        )
    if key is None:
        raise InputError(
            f"{shown(text)} is neither the id of a URL (url_id of waterbed verdicts, 6 to 32 hexadecimal digits) nor "
            f"an IP address nor the key of a hoster (example-hosting, AS64500, ripe:ORG-AB1-RIPE) ({_SEE})"
        )
    chain = chain_of_hoster(study, key, day)
    if chain is None:
        subject = f"no hoster of this study has the key {shown(key)}; waterbed hosters show lists them"
        if _KEYED.fullmatch(text):
            subject += ", and no id of a URL begins with it"
        elif _SHORT.fullmatch(text):
            subject += f", and an id of a URL is named by at least its first {_LEAST} digits"
        raise InputError(f"{subject} ({_SEE})")
    return chain


@stage("explaining")
def explain_link(study: Study, first: str, other: str) -> list[ChainLink]:
    """The links between two URLs.

    They are named by their ids or the beginnings of these. InputError for anything else.
    """
    ids = []
    for text in (first.strip(), other.strip()):
        url_id = _url_id(study, text) if _KEYED.fullmatch(text) else None
        if url_id is None:
            raise InputError(f"{shown(text)} is not the id of a URL of this study; --link takes two of them ({_SEE})")
        ids.append(url_id)
    if ids[0] == ids[1]:
        raise InputError(f"{ids[0]} was named twice; --link takes two different URLs ({_SEE})")
    return chain_between(study, ids[0], ids[1])


def _address(text: str) -> str | None:
    """An address in canonical form, None if it is none.

    An IPv4-mapped one is the IPv4 address it stands for.
    """
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    if ip.version == 6 and ip.scope_id:
        return None
    mapped = ip.ipv4_mapped if ip.version == 6 else None
    return str(mapped or ip)


def _url_id(study: Study, text: str) -> str | None:
    """The only id of a URL with this beginning.

    None if there is none and the text may be a hoster's key.
    """
    store = study.store
    if len(text) == _WHOLE:
        if store.by_ids(Target, "url_id", [text]):
            return text
        if store.by_ids(Forgotten, "entry_id", [text]):
            raise InputError(f"{text} was forgotten: its records were shredded ({_SEE})")
        raise InputError(f"no URL of this study has the id {text}; url_id of waterbed verdicts was expected ({_SEE})")
    url_ids = [target.url_id for target in store.all(Target, TABLES[Target].c.url_id.startswith(text))]
    if len(url_ids) > 1:
        raise InputError(f"{text} is the beginning of several ids; name more of it ({_SEE})")
    return url_ids[0] if url_ids else None


def _key(text: str) -> str | None:
    """The key of a hoster in canonical form.

    None if it is none.
    """
    if is_key(text):
        return text.upper() if re.fullmatch(r"as[1-9]\d*", text) else text
    try:
        member = member_of(text)
    except InputError:
        return None
    return member if stands_alone(member) else None
