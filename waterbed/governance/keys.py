"""Keys and secrets in people's hands, each act on record.

Rotate, escrow, restore, reveal, forget.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from waterbed.model.bookkeeping import Audit, Forgotten, KeyCheck, Sealed
from waterbed.model.errors import BadUrl, InputError, KeyProblem
from waterbed.model.facts import ExternalObservation, Target
from waterbed.model.progress import staged
from waterbed.model.redaction import names_something
from waterbed.model.urls import canonicalize, host_in
from waterbed.store import sealed as entries
from waterbed.store.audit import audit_entry
from waterbed.store.bounded.toml import toml_bytes
from waterbed.store.config import read_config
from waterbed.store.folder import Folder, open_store, real_clock
from waterbed.store.own_files import SETTINGS
from waterbed.store.sealed import from_escrow, to_escrow
from waterbed.store.tables import TABLES
from waterbed.store.vault import (
    KEYS_ENVIRONMENT,
    Keys,
    Vault,
    key_file,
    read_keys,
    refuse_inside,
    replace_keys,
    write_secret,
)

FORGET: Final = "forget"
WIPE: Final = "wipe"
"""On record once the remains of what was forgotten are overwritten."""
_ID, _BEGINNING = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{8,31}")
_SEE_CASE = "docs/attribution.md, Explain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """The result of a rotation."""

    number: int
    resealed: int
    wiped: bool
    """False: another process was reading, and old ciphertext still stands in the store's files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgot:
    """The result of forgetting; both are 0 where only the remains of an earlier one were overwritten."""

    urls: int
    hosts: int
    wiped: bool
    """False: another process was reading, and old ciphertext still stands in the store's files."""


def rotate(folder: Folder) -> Rotated:
    """Give the study a new encryption key.

    Every entry is sealed anew; the id key stays. May be killed at any instant: at each, the key file opens every entry.
    Called again, it goes on with the key that it had made. InputError if anything else is at work, if the keys come
    from the environment, or if a rotation on another machine sealed entries that this one's keys do not open.
    """
    _refuse_environment("rotate")
    path, study = key_file(folder.config.study), folder.config.study
    with folder.alone("a rotation of keys"):
        keys = read_keys(study, folder.path)
        _refuse_begun_elsewhere(path, keys, folder)
        if len(keys.encryption) == 1:  # more than one: a rotation was killed
            keys = keys.with_new()
            replace_keys(path, keys, folder.path)
        vault = Vault(keys)
        resealed = entries.reseal(folder.store, lambda entry: vault.seal(entry.kind, vault.open(entry)), keys.newest)
        entries.set_check(folder.store, vault.check(), audit_entry("rotate", f"key {keys.newest}", "keys rotated"))
        wiped = entries.wipe(folder.store)
        replace_keys(path, keys.newest_alone(), folder.path)
        folder.vault = Vault(keys.newest_alone())
    return Rotated(number=keys.newest, resealed=resealed, wiped=wiped)


def escrow(folder: Folder, path: Path, passphrase: str | None = None) -> None:
    """Write a copy of the keys to a new file.

    Only its owner can read it. The audit entry is written first.
    """
    refuse_inside(path, folder.path)
    if path.exists():
        raise KeyProblem(f"{path} exists already; keys are never overwritten")
    keys = read_keys(folder.config.study, folder.path)
    folder.store.add([audit_entry("escrow", f"key {keys.newest}", "keys written to a file")])
    write_secret(path, to_escrow(keys, passphrase), folder.path)


def restore(study: Path, path: Path, ask: Callable[[], str]) -> Path:
    """Put escrowed keys in their place.

    For a study that cannot be opened without. Returns that place. `ask` is called for the passphrase if there is one.
    They are written only after the store has shown that they are its keys. Other keys are never overwritten.
    """
    _refuse_environment("restore")
    config, _ = read_config(study / SETTINGS)
    keys = from_escrow(path, ask)
    store = open_store(study, config)
    try:
        vault = Vault(keys)
        for check in store.all(KeyCheck):
            _refuse_older(path, keys, {check.key_number})
            vault.verify(check)
        _refuse_older(path, keys, entries.numbers(store))
        place = key_file(config.study)
        refuse_inside(place, study)
        if place.exists():
            if _in(place) != keys:
                raise KeyProblem(
                    f"{place} holds other keys already, or broken ones; it is never overwritten, move it away first"
                )
            read_keys(config.study, study)  # it may be readable by others, which gives a warning
        else:
            store.add([audit_entry("restore", f"key {keys.newest}", "keys restored from a file")])
            replace_keys(place, keys, study)
    finally:
        store.close()
    return place


def reveal(folder: Folder, entry_id: str, reason: str) -> str:
    """The URL or host name behind an id.

    The audit entry is written before it is returned. The only id with a beginning of eight digits will do.
    """
    if _BEGINNING.fullmatch(wanted := entry_id.lower()):
        found = list(folder.store.all(Sealed, TABLES[Sealed].c.entry_id.startswith(wanted)))
        if len(found) > 1:
            raise InputError(
                f"{wanted} is the beginning of {len(found)} ids; name more of it (docs/operations.md, Keys)"
            )
    else:
        found = folder.store.by_ids(Sealed, "entry_id", [_id(entry_id)])
    if not found:
        raise _unknown(folder, wanted)
    entry = audit_entry("reveal", found[0].entry_id, stated_reason(reason))
    text = folder.vault.open(found[0])
    folder.store.add([entry])
    return text


def case_of(folder: Folder, text: str) -> str:
    """The id behind a URL, or behind a source's reference.

    The audit entry is written before it is returned. InputError, which does not repeat the text, if the study has no
    such case or several.
    """
    try:
        url_id = folder.vault.keyed_id("url", canonicalize(text).url)
        found = [url_id] if folder.store.by_ids(Target, "url_id", [url_id]) else []
        what = "URL"
    except BadUrl:
        observed = folder.store.all(ExternalObservation, TABLES[ExternalObservation].c.reference == text)
        found, what = sorted({one.url_id for one in observed}), "reference"
    if not found:
        told = (
            "" if what == "URL" else ", nor a URL, which begins with http:// or https://; an id is typed after explain"
        )
        raise InputError(f"the {what} on standard input is of no case of this study{told} ({_SEE_CASE})")
    if len(found) > 1:
        raise InputError(f"the reference is of {len(found)} URLs; explain one of {', '.join(found)} ({_SEE_CASE})")
    folder.store.add([audit_entry("explain", found[0], f"asked for by its {what}")])
    return found[0]


def forget(folder: Folder, entry_id: str, reason: str) -> Forgot:
    """Shred a URL, or a host and all its URLs.

    Entry and schedule go for good, a tombstone stays. Records of looks and reports under its id stay, and can no
    longer be linked to it. Called again for what is forgotten, it overwrites the remains that a killed one left, or one
    on a full disk. InputError if there are none, or if anything else is at work.
    """
    wanted, why = _id(entry_id, beginning=False), stated_reason(reason)
    with folder.alone("forgetting"):
        found = folder.store.by_ids(Sealed, "entry_id", [wanted])
        if not found:
            if folder.store.by_ids(Forgotten, "entry_id", [wanted]) and unwiped(folder):
                return Forgot(urls=0, hosts=0, wiped=_wiped(folder, wanted, why))
            raise _unknown(folder, wanted)
        urls, host_id = {wanted}, None
        if found[0].kind == "host":
            host_id = wanted
            urls = entries.urls_of_host(folder.store, wanted)
            urls |= {
                entry.entry_id
                for entry in staged("entries compared", entries.unreported(folder.store))
                if folder.vault.keyed_id("host", host_in(folder.vault.open(entry))) == wanted
            }
        done = entries.shred(
            folder.store, urls, host_id=host_id, now=real_clock(), audit=audit_entry(FORGET, wanted, why)
        )
        wiped = _wiped(folder, wanted, why)
    return Forgot(urls=done.urls, hosts=done.hosts, wiped=wiped)


def unwiped(folder: Folder) -> Audit | None:
    """The last act of forgetting, unless it is on record that all remains were overwritten since."""
    done = folder.store.all(Audit, TABLES[Audit].c.action.in_((FORGET, WIPE)), order=("done_at",))
    return done[-1] if done and done[-1].action == FORGET else None


def _wiped(folder: Folder, wanted: str, why: str) -> bool:
    """Overwrite the remains, and put that on record: else doctor tells of it."""
    if done := entries.wipe(folder.store):
        folder.store.add([audit_entry(WIPE, wanted, why)])
    return done


def _in(place: Path) -> Keys | None:
    """The keys in a file, None if it holds none."""
    try:
        return Keys.from_toml(toml_bytes(place, "a key file", "docs/operations.md, Keys").decode(), str(place))
    except (InputError, UnicodeDecodeError):
        return None


def _id(text: str, *, beginning: bool = True) -> str:
    if not _ID.fullmatch(text.lower()):
        all_ = "or at least its first 8" if beginning else "all of them, as it cannot be undone"
        raise InputError(
            f"that is not an id: a url_id or host_id of 32 hexadecimal digits, {all_}, was expected, never an address "
            "itself (docs/operations.md, Keys)"
        )
    return text.lower()


def stated_reason(
    text: str, option: str = "--reason", *, most: int = 500, see: str = "docs/operations.md, Keys"
) -> str:
    """A reason that may be kept in the clear.

    InputError if it is empty, too long, or names an address.
    """
    reason = " ".join(text.split())
    if not reason or not reason.isprintable() or len(reason) > most:
        raise InputError(f"{option} must say something in up to {most:,} characters; it is kept on record ({see})")
    if names_something(reason):
        raise InputError(
            f"{option} holds what looks like an address or a host name; it is kept in the clear, so say it by id or "
            f"case number ({see})"
        )
    return reason


def _unknown(folder: Folder, entry_id: str) -> InputError:
    stones = folder.store.by_ids(Forgotten, "entry_id", [entry_id])
    if stones:
        return InputError(f"{entry_id} was forgotten on {stones[0].forgotten_at.date()}; nobody can read it any more")
    return InputError(
        f"no sealed entry has the id {entry_id}; only ids of URLs and hosts (url_id, host_id) can be opened, not those "
        "of sites, labels, paths or contents (docs/operations.md, Keys)"
    )


def _refuse_environment(what: str) -> None:
    if os.environ.get(KEYS_ENVIRONMENT):
        raise KeyProblem(
            f"${KEYS_ENVIRONMENT} is set, and it cannot be changed from here: to {what} keys, write its text to a file "
            "(mode 600), name that by $WATERBED_KEY_FILE and unset it (docs/operations.md, Keys)"
        )


def _refuse_begun_elsewhere(path: Path, keys: Keys, folder: Folder) -> None:
    """Two machines may have made different keys of one number, so an entry of each number is opened."""
    vault = Vault(keys)
    for entry in entries.one_of_each_number(folder.store):
        try:
            vault.open(entry)
        except KeyProblem:
            raise KeyProblem(
                f"{path} does not open what encryption key {entry.key_number} sealed: keys were rotated on another "
                "machine; finish the rotation there, or copy that machine's key file here (docs/operations.md, Keys)"
            ) from None


def _refuse_older(path: Path, keys: Keys, needed: set[int]) -> None:
    missing = needed - set(keys.encryption)
    if missing:
        raise KeyProblem(
            f"{path} lacks encryption key {max(missing)}, which this study's store needs: it is older than the last "
            "rotation, or another study's (docs/operations.md, Keys)"
        )
