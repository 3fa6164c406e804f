"""A certificate says what was deposited, and nobody changes a letter of it unseen."""

import copy
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.events import Attachment, ClaimCheck
from invoice.model import InvoiceHeader
from services.ingest import certificate, certificate_pdf
from services.ingest.domain import State
from services.ingest.store import Stored

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
KEY = certificate.key_id(PUBLIC)
KEYS = {KEY: certificate.Key(raw=PUBLIC, valid_from=datetime(2026, 1, 1, tzinfo=UTC))}
HEADER = InvoiceHeader(
    invoice_number="É/1",
    issue_date=date(2026, 3, 2),
    supplier_siret="73282932000074",
    recipient_siret="20002983300015",
    total_excl_tax=Decimal(100),
    tax=Decimal(20),
    total_incl_tax=Decimal(120),
    payable=Decimal(120),
)


def claim(mark: str) -> ClaimCheck:
    return ClaimCheck(bucket="b", key=mark, sha256=mark * 64, size=5, media_type="application/pdf")


def made() -> dict[str, Any]:
    stored = Stored(
        id=UUID(int=7),
        state=State.SUBMITTED,
        duplicate_of=None,
        file_name="facture n° 1.pdf",
        document=claim("a"),
        received_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        decided_at=datetime(2026, 3, 2, 9, 30, 1, 250, tzinfo=UTC),
        header=HEADER,
    )
    piece = Attachment(id=str(UUID(int=8)), document=claim("b"), name="bon.png", type="BON_LIVRAISON", label="Bon")
    return certificate.signed(certificate.content(stored, [piece]), PRIVATE, KEY)


def test_a_certificate_names_every_file_and_is_the_same_each_time() -> None:
    found = made()
    assert found == made()
    assert [(each["name"], each["sha256"]) for each in found["certificate"]["files"]] == [
        ("facture n° 1.pdf", "a" * 64), ("bon.png", "b" * 64),
    ]  # fmt: skip
    assert found["certificate"]["submitted_at"] == "2026-03-02T09:30:01.000250Z"
    spaced = json.loads(json.dumps(found, indent=3))
    assert certificate.verify(spaced, KEYS).valid


def changed() -> list[Any]:
    found = []
    for name in made()["certificate"]:
        other = copy.deepcopy(made())
        other["certificate"][name] = [] if name == "files" else "x"
        found.append(other)
    file = copy.deepcopy(made())
    file["certificate"]["files"][1]["sha256"] = "c" * 64
    added = copy.deepcopy(made())
    added["certificate"]["more"] = 1
    return [*found, file, added]


@pytest.mark.parametrize("other", changed())
def test_whatever_is_changed_is_seen(other: Any) -> None:
    verdict = certificate.verify(other, KEYS)
    assert not verdict.valid
    assert verdict.certificate is None
    assert verdict.code in ("SIGNATURE_WRONG", "NOT_A_CERTIFICATE")


@pytest.mark.parametrize("strange", [None, 1, "x", [], {}, {"certificate": {}, "signature": {}}, {"certificate": 1}])
def test_what_is_no_certificate_is_told_as_such(strange: Any) -> None:
    assert certificate.verify(strange, KEYS).code == "NOT_A_CERTIFICATE"


def test_a_key_that_is_not_ours_vouches_for_nothing() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    raw = other.public_key().public_bytes_raw()
    forged = certificate.signed(made()["certificate"], other, certificate.key_id(raw))
    assert certificate.verify(forged, KEYS).code == "KEY_UNKNOWN"
    named_ours = certificate.signed(made()["certificate"], other, KEY)
    assert certificate.verify(named_ours, KEYS).code == "SIGNATURE_WRONG"


def test_the_paper_carries_the_certificate_and_shows_it() -> None:
    paper = certificate_pdf.render(made())
    assert paper == certificate_pdf.render(made())
    assert certificate.unpacked(paper) == made()
    document: Any = pypdfium2.PdfDocument(paper)
    text = document[0].get_textpage().get_text_bounded()
    for shown in ("É/1", "facture n° 1.pdf", "bon.png", "10:30:01", KEY, str(UUID(int=7))):
        assert shown in text


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7 nothing", b"chorale-certificate:!!", b"chorale-certificate:abc", b"[" * 99999]
)
def test_a_file_without_a_certificate_has_none(data: bytes) -> None:
    assert not certificate.verify(certificate.unpacked(data), KEYS).valid


def test_a_genuine_certificate_hidden_in_a_forged_one_vouches_for_nothing() -> None:
    forged = copy.deepcopy(made())
    forged["certificate"]["payable"] = "9999"
    forged["note"] = certificate.packed(made())
    data = json.dumps(forged).encode()
    assert not certificate.verify(certificate.unpacked(data), KEYS).valid
    assert certificate.verify({**made(), "signature": {**made()["signature"], "key": "\ud800"}}, {}).reason.encode()
    beside = {**made(), "montant": "9999"}
    assert certificate.verify(beside, KEYS).code == "NOT_A_CERTIFICATE"


def test_a_name_that_stands_twice_is_no_certificate() -> None:
    data = json.dumps(made()).replace('"payable":', '"payable": "9999", "payable":')
    assert "9999" in data
    assert certificate.unpacked(data.encode()) is None


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [
        (datetime(2026, 3, 2, 9, 30, 1, 250, tzinfo=UTC), None, "VALID"),
        (datetime(2026, 3, 2, 9, 30, 1, 251, tzinfo=UTC), None, "KEY_OUT_OF_TIME"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, 9, 30, 1, 251, tzinfo=UTC), "VALID"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, 9, 30, 1, 250, tzinfo=UTC), "KEY_OUT_OF_TIME"),
    ],
)
def test_a_key_vouches_for_deposits_of_its_own_time_only(begins: datetime, ends: datetime | None, code: str) -> None:
    verdict = certificate.verify(made(), {KEY: certificate.Key(raw=PUBLIC, valid_from=begins, valid_until=ends)})
    assert (verdict.code, verdict.certificate is not None) == (code, code == "VALID")


def test_a_certificate_without_an_instant_is_none() -> None:
    for instant in ("2026-03-02T09:30:01", "hier", 7, None):
        forged = certificate.signed({**made()["certificate"], "submitted_at": instant}, PRIVATE, KEY)
        assert certificate.verify(forged, KEYS).code == "NOT_A_CERTIFICATE"


def test_a_paper_that_carries_two_certificates_is_none() -> None:
    other = copy.deepcopy(made())
    other["certificate"]["payable"] = "9999"
    paper = certificate_pdf.render(made())
    assert certificate.unpacked(paper + b"\n% " + certificate.packed(other).encode()) is None
    assert certificate.unpacked(paper + b"\n% " + certificate.packed(made()).encode()) == made()
