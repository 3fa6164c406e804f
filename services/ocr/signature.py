"""Electronic signatures of a PDF: whether the bytes are those that were signed. Who signed, and trust, are not judged.

Nothing is fetched and nothing is written. What parses the signatures weighs half a second and 30 MB, so it is
imported with the first signed document of a process.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal

from contracts.events import DocumentSignature

MAX_SIGNATURES: Final = 20
UNKNOWN: Final = DocumentSignature(state="unknown", whole=False)
State = Literal["valid", "altered", "unknown"]


def signatures(data: bytes, present: int) -> tuple[DocumentSignature, ...]:
    """The first 20 signatures in the order of signing; ``present`` is how many fields for one the PDF has.

    A field that nobody signed is no signature, nor is a time stamp; one that cannot be checked is ``unknown``. Raises
    MemoryError only.
    """
    if present < 1 or b"/ByteRange" not in data:
        return ()
    try:
        return tuple(_checked(data))
    except MemoryError:
        raise
    except Exception:  # a parser of hostile input: whatever it trips over, the signatures could not be checked
        return (UNKNOWN,) * min(present, MAX_SIGNATURES)


def _checked(data: bytes) -> Iterator[DocumentSignature]:
    from pyhanko.pdf_utils.reader import PdfFileReader

    embedded = PdfFileReader(io.BytesIO(data), strict=False).embedded_signatures
    signed = [one for one in embedded if one.sig_object_type == "/Sig"]
    for one in signed[:MAX_SIGNATURES]:
        yield _one(one)


def _one(embedded: Any) -> DocumentSignature:
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    try:
        embedded.compute_integrity_info(skip_diff=True)
        state = _state(embedded)
        if embedded.coverage is SignatureCoverageLevel.UNCLEAR:
            state = "unknown" if state == "valid" else state
        whole = embedded.coverage is SignatureCoverageLevel.ENTIRE_FILE
        return DocumentSignature(state=state, whole=whole, signed_at=_instant(embedded))
    except MemoryError:
        raise
    except Exception:  # a certificate, an algorithm or a form that is not understood says nothing about the bytes
        return UNKNOWN


def _state(embedded: Any) -> State:
    """The bytes against their digest, the digest against the signer's key."""
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    intact, valid = validate_sig_integrity(
        embedded.signer_info,
        embedded.signer_cert,
        expected_content_type="data",
        actual_digest=embedded.compute_digest(),
    )
    return "valid" if intact and valid else "altered"


def _instant(embedded: Any) -> datetime | None:
    """When the signer says he signed; a time without its zone says nothing sure."""
    said = embedded.self_reported_timestamp
    return said.astimezone(UTC) if isinstance(said, datetime) and said.tzinfo is not None else None
