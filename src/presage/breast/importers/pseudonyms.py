"""Keyed hashes in the place of identities: one person keeps one id, and nobody without the key can go back."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from presage.cohort import InputError, storage

_KEY_BYTES = 32


class Pseudonyms:
    """Pseudonyms under one secret key: HMAC-SHA256 (RFC 2104), cut to 16 hexadecimal digits for patients."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def patient(self, identity: str) -> str:
        """The pseudonym of a patient id, 16 hexadecimal digits."""
        return self._digest("patient", identity).hex()[:16]

    def uid(self, uid: str) -> str:
        """A new DICOM UID in the place of an old one: 2.25 and a 128-bit number."""
        return f"2.25.{int.from_bytes(self._digest('uid', uid)[:16], 'big')}"

    def file(self, path: str) -> str:
        """A name for a source file whose own name may hold a person's, 12 hexadecimal digits."""
        return self._digest("file", path).hex()[:12]

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()


def open_key(key: str, cohort: str) -> tuple[Pseudonyms, Path, bool]:
    """Read the key file, or make one beside (never in) the cohort folder.

    Parameters
    ----------
    key
        Path of the key file; empty for ``<cohort>.key`` beside the cohort folder.
    cohort
        Absolute cohort folder.

    Returns
    -------
    (pseudonyms, path, made)
        `made` says whether the key is new.

    Raises
    ------
    InputError
        If the key would lie in the cohort folder, is damaged, or the cohort is at a remote address and no key is named.
    """
    if not key and storage.is_address(cohort):
        raise InputError(
            "a cohort at a remote address needs a key file of your own",
            where=cohort,
            cure="name a local file with `key`",
        )
    path = Path(key).expanduser().absolute() if key else Path(f"{cohort}.key")
    if path.resolve().is_relative_to(Path(cohort).resolve()):
        raise InputError(
            "the key must not lie in the cohort folder: whoever has both can look up who is who",
            where=str(path),
            cure="name a file elsewhere with `key`",
        )
    if path.exists():
        try:
            secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except ValueError:
            secret = b""
        if len(secret) < 16:
            raise InputError("this is no key file: 32 or more hexadecimal digits expected", where=str(path))
        return Pseudonyms(secret), path, False
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
    return Pseudonyms(secret), path, True
