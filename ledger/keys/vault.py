"""Secrets at rest: AES-256-GCM under one key that never enters the database.

A ciphertext is version (1 byte) ‖ key id (8) ‖ nonce (12) ‖ encrypted bytes and tag (16 more).  Its
associated data names the purpose and the row, so bytes moved to another row do not open.  Nonces
are random: by NIST SP 800-38D §8.3, 2^32 encryptions under one key are the limit.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import RESTORE_BACKUP, Inconsistent, InvalidInput, NotFound, Refused

KEY_BYTES = 32
#: the key itself, in base64
KEY_VARIABLE = "STERILEDGER_KEY"
#: the path of a file that holds it, in base64
KEY_FILE_VARIABLE = "STERILEDGER_KEY_FILE"
#: where an embedded home keeps its key
KEY_FILE_NAME = "vault.key"
#: what a held private key is encrypted for, in the row of its signer id
KEY_PURPOSE = "key"

_VERSION = b"\x01"
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER = len(_VERSION) + _KEY_ID_BYTES
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Vault:
    """Encrypts with one key; opens what that key or an `older` one encrypted."""

    def __init__(self, key: bytes, *, older: tuple[bytes, ...] = ()) -> None:
        self._key_id = _key_id(_checked(key, field="key"))
        self._ciphers = {_key_id(each): AESGCM(each) for each in (key, *older)}

    def __repr__(self) -> str:
        """Never shows a key."""
        return "Vault(…)"

    def encrypt(self, plaintext: bytes, *, purpose: str, row: str) -> bytes:
        """Encrypt for one purpose in one row, named as the caller will name them to decrypt."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._key_id].encrypt(
            nonce, plaintext, _associated(self._key_id, purpose, row)
        )
        return _VERSION + self._key_id + nonce + sealed

    def decrypt(self, ciphertext: bytes, *, purpose: str, row: str) -> bytes:
        """The plaintext; raises Inconsistent for another key, another row or changed bytes."""
        version, key_id = ciphertext[:1], ciphertext[1:_HEADER]
        if version != _VERSION or len(ciphertext) < _HEADER + _NONCE_BYTES + _TAG_BYTES:
            raise Inconsistent(
                f"the secret of {purpose} {row} is not in a form that this version knows",
                remedy=RESTORE_BACKUP,
            )
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Inconsistent(
                f"the secret of {purpose} {row} was encrypted with another key",
                rule=f"it needs the key with the id {key_id.hex()}, not {self._key_id.hex()}",
                remedy=f"start with the right {KEY_VARIABLE}, {KEY_FILE_VARIABLE} or key file",
            )
        nonce = ciphertext[_HEADER : _HEADER + _NONCE_BYTES]
        try:
            return cipher.decrypt(
                nonce, ciphertext[_HEADER + _NONCE_BYTES :], _associated(key_id, purpose, row)
            )
        except InvalidTag:
            raise Inconsistent(
                f"the secret of {purpose} {row} was changed or belongs to another row",
                remedy=RESTORE_BACKUP,
            ) from None


def load_vault(
    home: Path,
    *,
    encrypted_rows_exist: bool,
    environment: Mapping[str, str] = os.environ,
) -> Vault:
    """The vault of a home, from STERILEDGER_KEY, STERILEDGER_KEY_FILE, or `home`/vault.key.

    Only the last is created when it is missing, and only while nothing is encrypted yet: say so by
    `encrypted_rows_exist`.  Raises InvalidInput for a key that is none, NotFound for a missing one,
    and Refused for a file that others can read.
    """
    text, path = environment.get(KEY_VARIABLE), environment.get(KEY_FILE_VARIABLE)
    if text is not None and path is not None:
        raise InvalidInput(
            f"is set beside {KEY_FILE_VARIABLE}", field=KEY_VARIABLE, remedy="unset one of them"
        )
    if text is not None:
        return Vault(_parse_key(text, field=KEY_VARIABLE))
    if path is not None:
        return Vault(_read_key_file(Path(path)))
    own = home / KEY_FILE_NAME
    if not own.exists():
        if encrypted_rows_exist:
            raise _missing(own)
        _create_key_file(own)
    return Vault(_read_key_file(own))


def key_id_of(ciphertext: bytes) -> bytes:
    """Which key opens a ciphertext: 8 bytes that tell nothing of the key."""
    return ciphertext[len(_VERSION) : _HEADER]


def _checked(key: bytes, *, field: str) -> bytes:
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"has {len(key)} bytes", field=field, rule=f"a key has {KEY_BYTES}")
    if not any(key):
        raise InvalidInput("is all zeros", field=field, rule="a key is random")
    return key


def _key_id(key: bytes) -> bytes:
    return sha256(b"steriledger.vault.key.v1\0" + key)[:_KEY_ID_BYTES]


def _associated(key_id: bytes, purpose: str, row: str) -> bytes:
    name = purpose.encode()
    return _VERSION + key_id + len(name).to_bytes(2, "big") + name + row.encode()


def _parse_key(text: str, *, field: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(
            "is not base64", field=field, rule=f"{KEY_BYTES} random bytes in base64"
        ) from None
    return _checked(key, field=field)


def _read_key_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(1024)
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise Refused(
            f"the key file {path} cannot be read: {error.strerror}",
            field=KEY_FILE_VARIABLE,
            remedy="let the account that runs this program read it, and nobody else",
        ) from error
    if mode & _OTHERS:
        raise Refused(
            f"the key file {path} can be read or changed by others",
            rule="it belongs to its owner alone",
            remedy=f"chmod 600 {path}",
        )
    return _parse_key(content.decode("ascii", errors="replace"), field=str(path))


def _missing(path: Path) -> NotFound:
    return NotFound(
        f"the key file {path} does not exist",
        rule="what the database holds can be read with the key that encrypted it, and no other",
        remedy=f"put the key back from its backup, or name it by {KEY_FILE_VARIABLE}",
    )


def _create_key_file(path: Path) -> None:
    """Write a new key whole or not at all; a process that was faster wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
