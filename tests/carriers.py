"""PDFs that carry more than their pages: data files, other files, signatures made with throw-away keys."""

import io
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pypdfium2
from cryptography import x509 as made
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.documents import InvoicePdf
from tests.unit.invoice.syntax.samples import Facts, cii


def attach(document: bytes, *files: tuple[str, bytes]) -> bytes:
    """The PDF with these files inside, in this order."""
    pdf = pypdfium2.PdfDocument(document)
    try:
        for name, content in files:
            pdf.new_attachment(name).set_data(content)
        out = io.BytesIO()
        pdf.save(out)
        return out.getvalue()
    finally:
        pdf.close()


def facts_of(invoice: InvoicePdf, **changes: Any) -> Facts:
    """What a data file of this invoice says: what its page prints, and no more."""
    truth = invoice.truth()
    rows = tuple(("S", f"{rate:.2f}", f"{base:.2f}", f"{tax:.2f}") for rate, (base, tax) in invoice.rates.items())
    given: dict[str, Any] = {
        "number": truth["invoice_number"],
        "issue_date": truth["issue_date"],
        "due_date": None,
        "type_code": truth.get("type_code", "380"),
        "excl": truth["total_excl_tax"],
        "tax": truth["tax"],
        "incl": truth["total_incl_tax"],
        "prepaid": truth.get("prepaid"),
        "payable": truth["payable"],
        "rows": rows,
        "supplier_siret": truth.get("supplier_siret"),
        "supplier_siren": truth["supplier_siret"][:9] if "supplier_siret" in truth else None,
        "supplier_vat": None,
        "recipient_siret": truth.get("recipient_siret"),
        "recipient_siren": truth["recipient_siret"][:9] if "recipient_siret" in truth else None,
        "service": truth.get("service_code"),
        "engagement": truth.get("engagement"),
        "contract": truth.get("contract"),
        "iban": None,
        **changes,
    }
    return Facts(**given)


def facturx(invoice: InvoicePdf, *, name: str = "factur-x.xml", **changes: Any) -> bytes:
    """The invoice as PDF with its data inside; ``changes`` make the data differ from the page."""
    return attach(invoice.render(), (name, cii(facts_of(invoice, **changes))))


def sign(document: bytes, *, field: str = "Signature1") -> bytes:
    """The PDF with a PAdES signature by a key that nobody keeps."""
    out = io.BytesIO()
    signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(document)),
        signers.PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"),
        signer=_signer(),
        output=out,
    )
    return out.getvalue()


@cache
def _signer() -> signers.SimpleSigner:
    key = ec.generate_private_key(ec.SECP256R1())
    name = made.Name([made.NameAttribute(NameOID.COMMON_NAME, "Test signer")])
    now = datetime.now(UTC)
    certificate = (
        made.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(made.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    registry: Any = SimpleCertificateStore
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signers.SimpleSigner(
        signing_cert=next(load_certs_from_pemder_data(certificate.public_bytes(serialization.Encoding.DER))),
        signing_key=load_private_key_from_pemder_data(private, None),
        cert_registry=registry(),
    )
