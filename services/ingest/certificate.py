"""The certificate of deposit: what was deposited, when, the hash of every file, signed. Pure, but for the signature.

What is signed is the certificate's JSON in one spelling (keys sorted, no spaces, UTF-8), so that anybody can check it
with the public key and nothing of this platform. Ed25519 gives the same signature for the same content and key.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.events import Attachment
from invoice import cadres, sandbox
from invoice.money import canonical
from services.ingest.store import Stored

KIND: Final = "chorale.certificat-de-depot.v1"
MARK: Final = "chorale-certificate:"
_MARKED: Final = re.compile(rb"chorale-certificate:([A-Za-z0-9_-]+={0,2})")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A public key and its time; ``valid_until`` is the next one's beginning."""

    raw: bytes
    valid_from: datetime
    valid_until: datetime | None = None

    def held(self, instant: datetime) -> bool:
        """Whether it signed what was submitted then."""
        return self.valid_from <= instant and (self.valid_until is None or instant < self.valid_until)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification found; ``reason`` is French, ``code`` stable."""

    valid: bool
    code: str
    reason: str
    key: str | None = None
    certificate: dict[str, Any] | None = None


def content(stored: Stored, attachments: Sequence[Attachment]) -> dict[str, Any]:
    """What is certified of a submitted deposit."""
    header = stored.header
    assert header is not None
    assert stored.decided_at is not None
    invoice = {
        "role": "facture",
        "name": stored.file_name,
        "sha256": stored.document.sha256,
        "size": stored.document.size,
    }
    return {
        "kind": KIND,
        "deposit": str(stored.id),
        "submitted_at": stored.decided_at.isoformat().replace("+00:00", "Z"),
        "invoice_number": header.invoice_number,
        "issue_date": header.issue_date.isoformat(),
        "cadre": cadres.of(header).api,
        "supplier_siret": header.supplier_siret,
        "recipient_siret": header.recipient_siret,
        "payable": canonical(header.payable),
        "currency": header.currency,
        **({"sandbox": sandbox.MARK} if stored.sandbox else {}),
        "files": [
            invoice,
            *(
                {
                    "role": "pièce jointe",
                    "name": each.name,
                    "sha256": each.document.sha256,
                    "size": each.document.size,
                }
                for each in attachments
            ),
        ],
    }


def spelled(certificate: Mapping[str, Any]) -> bytes:
    """The one spelling that is signed."""
    return json.dumps(certificate, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def key_id(public: bytes) -> str:
    """The name of a key: the beginning of its hash."""
    return hashlib.sha256(public).hexdigest()[:16]


def signed(certificate: Mapping[str, Any], private: Ed25519PrivateKey, key: str) -> dict[str, Any]:
    """The certificate with its signature, as it is given out."""
    value = base64.b64encode(private.sign(spelled(certificate))).decode()
    return {"certificate": dict(certificate), "signature": {"algorithm": "Ed25519", "key": key, "value": value}}


def verify(given: Any, keys: Mapping[str, Key]) -> Verdict:
    """Whether this is a certificate that one of these keys (by name) signed, for an instant of its own time."""
    try:
        certificate, signature = given["certificate"], given["signature"]
        if len(given) != 2:  # what stands beside is not signed, and would seem to be
            raise KeyError
        name, value = str(signature["key"]), base64.b64decode(signature["value"], validate=True)
        known = certificate["kind"] == KIND and signature["algorithm"] == "Ed25519"
        said = spelled(certificate)
        submitted = datetime.fromisoformat(certificate["submitted_at"])
        if submitted.tzinfo is None:
            raise ValueError
    except (KeyError, TypeError, ValueError, binascii.Error, RecursionError):
        return Verdict(valid=False, code="NOT_A_CERTIFICATE", reason="Ce n'est pas un certificat de dépôt.")
    if not known:
        return Verdict(valid=False, code="NOT_A_CERTIFICATE", reason="Ce n'est pas un certificat de dépôt.")
    if name not in keys:
        shown = name[:40].encode("utf-8", "replace").decode()  # JSON may name half a character
        words = f"La clé « {shown} » n'est pas une clé de cette plateforme : le certificat ne vient pas d'elle."
        return Verdict(valid=False, code="KEY_UNKNOWN", reason=words)
    try:
        Ed25519PublicKey.from_public_bytes(keys[name].raw).verify(value, said)
    except InvalidSignature:
        words = "La signature ne correspond pas : le certificat a été modifié depuis qu'il a été établi."
        return Verdict(valid=False, code="SIGNATURE_WRONG", reason=words, key=name)
    if not keys[name].held(submitted):
        words = "La clé qui a signé n'était pas celle du jour de ce dépôt : le certificat ne vaut pas."
        return Verdict(valid=False, code="KEY_OUT_OF_TIME", reason=words, key=name)
    words = "Le certificat est authentique et entier."
    return Verdict(valid=True, code="VALID", reason=words, key=name, certificate=certificate)


def packed(document: Mapping[str, Any]) -> str:
    """A signed certificate as a PDF carries it among its keywords."""
    return MARK + base64.urlsafe_b64encode(spelled(document)).decode()


def unpacked(data: bytes) -> Any:
    """The signed certificate of a file: JSON, or a PDF that carries it. None where there is none, or more than one."""
    try:
        if data.lstrip().startswith(b"%PDF"):
            [marked] = set(_MARKED.findall(data))
            data = base64.urlsafe_b64decode(marked)
        return json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which every name stands once: of two values readers would see either. Raises ValueError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def wrong_files(certificate: Mapping[str, Any], hashes: Mapping[str, str]) -> list[str]:
    """Those of these files (hash by name) that the certificate does not name."""
    certified = {each["sha256"] for each in certificate["files"]}
    return [name for name, sha256 in hashes.items() if sha256 not in certified]
