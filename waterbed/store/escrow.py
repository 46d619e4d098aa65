"""Keys as they are escrowed: plain text, or sealed with a passphrase."""

import base64
import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from waterbed.model.errors import KeyProblem
from waterbed.store.vault import Keys

_COST = 2**17
"""Scrypt's cost: 128 MiB and some tenths of a second for each guess (RFC 7914, r = 8, p = 1)."""


def to_escrow(keys: Keys, passphrase: str | None) -> str:
    """The text of an escrow file."""
    if passphrase is None:
        return keys.to_toml()
    if not passphrase:
        raise KeyProblem("the passphrase is empty; leave --passphrase out to write the keys in the clear")
    salt = secrets.token_bytes(16)
    sealed = _cipher(passphrase, salt, _COST).encrypt(keys.to_toml().encode()).decode()
    said = "# Waterbed keys, sealed with a passphrase (Scrypt, Fernet)."
    return f'{said}\ncost = {_COST}\nsalt = "{base64.b64encode(salt).decode()}"\nsealed = "{sealed}"\n'


def from_escrow(path: Path, ask: Callable[[], str]) -> Keys:
    """The keys in an escrow file; `ask` is called for the passphrase if it has one."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        raise KeyProblem(f"{path} cannot be read; an escrow file was expected (docs/operations.md, Keys)") from None
    try:
        read = tomllib.loads(text)
        if "sealed" in read:
            cost, salt, sealed = int(read["cost"]), base64.b64decode(read["salt"], validate=True), read["sealed"]
            if not 1 < cost <= 2**20:
                raise ValueError
            text = _cipher(ask(), salt, cost).decrypt(sealed).decode()
    except InvalidToken:
        raise KeyProblem(f"the passphrase does not open {path}, or the file is damaged") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError):
        raise KeyProblem(f"{path} is no escrow file of Waterbed; see docs/operations.md, Keys") from None
    return Keys.from_toml(text, str(path))


def _cipher(passphrase: str, salt: bytes, cost: int) -> Fernet:
    derived = Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
