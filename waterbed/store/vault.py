"""URLs and host names, encrypted; keyed ids for everywhere else."""

import base64
import hmac
import os
import secrets
import shlex
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
import platformdirs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from waterbed.model.bookkeeping import KeyCheck, Sealed
from waterbed.model.errors import InputError, KeyProblem
from waterbed.model.urls import CanonicalUrl, is_address, platform_suffix, registrable_domain
from waterbed.store.bounded.toml import decode, toml_bytes
from waterbed.store.own_files import KEY_FILE_ENVIRONMENT
from waterbed.store.whole.files import DISK, sync

_CONSTANT = "waterbed"
KEYS_ENVIRONMENT = "WATERBED_KEYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A study's two secrets.

    The id key never changes: ids in sealed facts depend on it. Encryption keys are numbered; the highest seals.
    """

    id_key: bytes
    encryption: dict[int, bytes]

    def __repr__(self) -> str:
        """Say nothing: reprs end up in tracebacks."""
        return "<Keys>"

    @classmethod
    def new(cls) -> "Keys":
        """Fresh random keys."""
        return cls(id_key=secrets.token_bytes(32), encryption={1: AESSIV.generate_key(512)})

    @property
    def newest(self) -> int:
        """The number of the key that seals."""
        return max(self.encryption)

    def with_new(self) -> "Keys":
        """Return these keys with a fresh sealing key added.

        The id key stays.
        """
        return Keys(id_key=self.id_key, encryption={**self.encryption, self.newest + 1: AESSIV.generate_key(512)})

    def newest_alone(self) -> "Keys":
        """These keys without those that no longer seal."""
        return Keys(id_key=self.id_key, encryption={self.newest: self.encryption[self.newest]})

    def to_toml(self) -> str:
        """Return the text of a key file and of escrow."""
        lines = ["# Waterbed keys. Whoever holds them can read the study's URLs.", f'id_key = "{_text(self.id_key)}"']
        lines += ["[encryption]", *(f'{n} = "{_text(key)}"' for n, key in sorted(self.encryption.items()))]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_toml(cls, text: str, where: str) -> "Keys":
        """Read keys from a key file's text.

        KeyProblem names `where`.
        """
        try:
            read = decode(text)
            id_key = base64.b64decode(read["id_key"], validate=True)
            encryption = {int(n): base64.b64decode(key, validate=True) for n, key in read["encryption"].items()}
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
            raise KeyProblem(
                f"{where} holds no Waterbed keys (id_key and [encryption] in TOML; docs/operations.md)"
            ) from None
        if len(id_key) != 32 or not encryption or any(len(key) != 64 for key in encryption.values()):
            raise KeyProblem(f"{where} holds keys of a wrong length (32 and 64 bytes are expected; docs/operations.md)")
        return cls(id_key=id_key, encryption=encryption)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def key_file(study_id: str) -> Path:
    """Return the path of a study's key file.

    It is `$WATERBED_KEY_FILE`, else in the user's configuration.
    """
    named = os.environ.get(KEY_FILE_ENVIRONMENT)
    return Path(named) if named else platformdirs.user_config_path("waterbed") / "keys" / study_id


def write_keys(path: Path, keys: Keys, study: Path) -> None:
    """Write a new key file, readable by its owner alone."""
    write_secret(path, keys.to_toml(), study)


def write_secret(path: Path, text: str, study: Path) -> None:
    """Write a new file for its owner alone, overwriting nothing."""
    refuse_inside(path, study)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, text, os.O_EXCL)
    except FileExistsError:
        raise KeyProblem(f"{path} exists already; keys are never overwritten") from None
    except OSError as problem:
        if problem.errno in DISK:
            raise
        raise KeyProblem(f"{path} cannot be written ({problem.strerror}); name another place") from None


def replace_keys(path: Path, keys: Keys, study: Path) -> None:
    """Replace a key file atomically."""
    refuse_inside(path, study)
    real = path.resolve()  # a link stays one
    fresh = real.with_name(f".{real.name}.new")
    try:
        real.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.unlink(missing_ok=True)
        _write(fresh, keys.to_toml(), os.O_EXCL)
        fresh.replace(real)
        sync(real.parent)
    except OSError as problem:
        if problem.errno in DISK:
            raise
        raise KeyProblem(f"{path} cannot be written ({problem.strerror}; docs/operations.md, Keys)") from None


def _write(path: Path, text: str, flags: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def read_keys(study_id: str, study: Path) -> Keys:
    """A study's keys from `$WATERBED_KEYS`, else from its key file."""
    text = os.environ.get(KEYS_ENVIRONMENT)
    if text:
        return Keys.from_toml(text, f"${KEYS_ENVIRONMENT}")
    path = key_file(study_id)
    refuse_inside(path, study)
    try:
        mode = path.stat().st_mode
        text = toml_bytes(path, "a key file", "docs/operations.md, Keys").decode()
    except (OSError, InputError, UnicodeDecodeError):
        raise KeyProblem(
            f"no readable key file at {path}; restore it from escrow or set ${KEY_FILE_ENVIRONMENT} "
            "(docs/operations.md, Keys)"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        mend = shlex.join(["chmod", "600", str(path)])
        raise KeyProblem(f"{path} is readable by others (mode {stat.S_IMODE(mode):o}); run: {mend}")
    return Keys.from_toml(text, str(path))


def refuse_inside(path: Path, study: Path) -> None:
    """Keys may not lie in the folder they protect."""
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(study)):
        raise KeyProblem(
            f"the key file {path} lies inside the study folder; keep keys elsewhere (docs/operations.md, Keys)"
        )


class Vault:
    """Computes keyed ids of URLs and hosts, and encrypts them."""

    def __init__(self, keys: Keys) -> None:
        """Take a study's keys; nothing is read or written here."""
        self._hmac = HMAC(keys.id_key, SHA256())
        self._ciphers = {n: AESSIV(key) for n, key in keys.encryption.items()}
        self._newest = keys.newest
        self._of_host = lru_cache(maxsize=65_536)(self._host_ids)

    def keyed_id(self, kind: str, text: str) -> str:
        """Return a text's keyed id: 32 hex digits of HMAC-SHA-256.

        It is within a kind.
        """
        made = self._hmac.copy()  # the key is worked in once, not for each of millions of texts
        made.update(f"{kind}\x00{text}".encode())
        return made.finalize()[:16].hex()

    def ids(self, canonical: CanonicalUrl) -> dict[str, str | None]:
        """Return all keyed ids of a URL, by `Target` field."""
        return {
            "url_id": self.keyed_id("url", canonical.url),
            "path_id": self.keyed_id("path", canonical.target),
            **self._of_host(canonical.host),
        }

    def _host_ids(self, host: str) -> dict[str, str | None]:
        site, suffix = registrable_domain(host), platform_suffix(host)
        return {
            "host_id": self.keyed_id("host", host),
            "site_id": self.keyed_id("site", site),
            "label_id": self.keyed_id("label", site if is_address(host) else site.partition(".")[0]),
            "suffix_id": suffix and self.keyed_id("suffix", suffix),
        }

    def seal(self, kind: str, text: str, entry_id: str | None = None) -> Sealed:
        """Encrypt a text, bound to its kind and id.

        Give the id if it is known, to save working it out.
        """
        entry_id = entry_id or self.keyed_id(kind, text)
        sealed = self._ciphers[self._newest].encrypt(text.encode(), [kind.encode(), entry_id.encode()])
        return Sealed(entry_id=entry_id, kind=kind, ciphertext=sealed, key_number=self._newest)

    def open(self, sealed: Sealed) -> str:
        """Decrypt a sealed text; KeyProblem if the key is wrong."""
        try:
            cipher = self._ciphers[sealed.key_number]
            return cipher.decrypt(sealed.ciphertext, [sealed.kind.encode(), sealed.entry_id.encode()]).decode()
        except (KeyError, InvalidTag):
            raise KeyProblem(
                f"the study's keys do not open entry {sealed.entry_id} (docs/operations.md, Keys)"
            ) from None

    def check(self) -> KeyCheck:
        """Return a sealed constant that reveals wrong keys."""
        sealed = self.seal("check", _CONSTANT)
        return KeyCheck(key_number=self._newest, id_check=sealed.entry_id, ciphertext=sealed.ciphertext)

    def verify(self, stored: KeyCheck) -> None:
        """Raise KeyProblem unless these keys made the stored check."""
        if not hmac.compare_digest(stored.id_check, self.keyed_id("check", _CONSTANT)):
            raise KeyProblem("the id key is not this study's; restore the right key file (docs/operations.md, Keys)")
        self.open(
            Sealed(entry_id=stored.id_check, kind="check", ciphertext=stored.ciphertext, key_number=stored.key_number)
        )
