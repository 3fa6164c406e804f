"""What a structured invoice says, in one shape whatever its syntax."""

import binascii
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from invoice.findings import Finding
from invoice.messages import finding
from invoice.syntax.elements import Document

Source = Literal["facturx", "ubl", "cii", "cpp"]


class SyntaxRefused(Exception):
    """The data cannot be read: ``finding`` has the code, the reason in words and what to do.

    ``line`` and ``column`` count from 1 and are 0 where no place can be named.
    """

    def __init__(self, why: Finding, *, line: int = 0, column: int = 0) -> None:
        super().__init__(f"{why.code}: {why.message}")
        self.finding = why
        self.line = line
        self.column = column


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is read at the most. Sizes in bytes; the XML library itself stops at :data:`MAX_DEPTH` and 10 MB a text.

    ``max_names`` bounds the distinct names of elements, attributes and namespaces, all together in bytes: the
    library keeps them for the life of the process.
    """

    max_bytes: int = 30_000_000
    max_elements: int = 600_000
    max_attributes: int = 600_000
    max_names: int = 32_768
    max_attachment_bytes: int = 10_000_000
    max_invoices: int = 500


DEFAULT = Limits()
MAX_DEPTH = 256  # the XML library's own limit


class Datum(msgspec.Struct, frozen=True, kw_only=True):
    """One field: its canonical ``value``, the EN 16931 ``term`` it came from, the text as written.

    Amounts are ``1234.56``, days ISO, SIRETs 14 digits, VAT numbers and IBANs without spaces; ``vat_breakdown`` is
    ``rate base amount`` per rate, joined by ``; ``, highest rate first; ``cadre`` is the API value, or the code as
    written where there is none. ``sure`` is false where the file contradicts itself; a finding then says how.
    """

    name: str
    value: str
    term: str
    raw: str
    sure: bool = True


class VatLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the VAT breakdown (BG-23): ``rate`` in per cent, ``base`` and ``amount`` in the currency.

    ``category`` is a code of UNCL 5305 (S, E, AE, K, G, O, Z); ``exemption`` the code (BT-121), else the reason.
    """

    rate: Decimal
    base: Decimal
    amount: Decimal
    category: str | None = None
    exemption: str | None = None


class PaymentMeans(msgspec.Struct, frozen=True, kw_only=True):
    """One way to pay (BG-16): ``code`` of UNCL 4461 as written, ``mode`` of the platform, the payee's account.

    ``account`` is an IBAN without spaces, or another account as written.
    """

    code: str | None = None
    mode: str | None = None
    account: str | None = None
    bic: str | None = None
    reference: str | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A note (BT-22) and its subject (BT-21: ``AAB``, ``PMT``, ``PMD``, ``ADN`` …) where one is given."""

    text: str
    subject: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line (BG-25). Amounts excluding tax; ``unit_price`` is for ``price_base`` units; ``vat_rate`` in per cent.

    What does not parse is None and its name stands in ``malformed``.
    """

    number: str | None = None
    name: str | None = None
    description: str | None = None
    note: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    unit_price: Decimal | None = None
    price_base: Decimal | None = None
    net_amount: Decimal | None = None
    vat_rate: Decimal | None = None
    vat_category: str | None = None
    malformed: tuple[str, ...] = ()


_SPACES = b" \t\r\n"


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A document inside the data (BG-24). ``size``: bytes of the content, worked out without decoding it.

    Chorus Pro's own formats carry a zip: the content is given as it stands and is not unpacked.
    """

    name: str
    media_type: str
    size: int
    description: str | None = None
    encoded: Callable[[], str]
    limit: int

    def content(self) -> bytes:
        """The bytes. Raises SyntaxRefused ``ATTACHMENT_TOO_BIG`` or ``ATTACHMENT_DAMAGED``."""
        if self.size > self.limit:
            raise SyntaxRefused(
                finding("ATTACHMENT_TOO_BIG", value=self.name, size=_megabytes(self.size), limit=_megabytes(self.limit))
            )
        try:
            compact = self.encoded().encode("ascii").translate(None, _SPACES)
            return binascii.a2b_base64(compact, strict_mode=True)
        except ValueError as error:  # binascii.Error, or a letter that is not ASCII
            raise SyntaxRefused(finding("ATTACHMENT_DAMAGED", value=self.name)) from error


def decoded_size(encoded: str) -> int:
    """The number of bytes that a base64 text stands for; white space does not count."""
    compact = len(encoded) - sum(map(encoded.count, _SPACES.decode()))
    return (compact - encoded.count("=")) * 3 // 4


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f}".replace(".", ",")


class Content(Protocol):
    """What is read only when asked for. It keeps the parsed document, so it stays in the process that parsed it."""

    def lines(self) -> Iterator[Line]: ...
    def notes(self) -> tuple[Note, ...]: ...
    def attachments(self) -> tuple[Attachment, ...]: ...
    def document(self) -> Document | None: ...


class DataFile(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One invoice of a data file.

    ``profile`` is BT-24 as written, ``chorus-pro`` for Chorus Pro's own formats and empty where none is named;
    ``process`` BT-23 as written. ``fields`` has at most one datum per name of :data:`~invoice.reading.FIELD_NAMES`, in
    that order.
    ``warnings`` name what could not be taken or contradicts itself. ``envelope``: the parameters and partners of a
    CPPFactureMixte, by name. ``name``: of the attachment, when the data stood in a PDF.
    """

    source: Source
    profile: str
    fields: tuple[Datum, ...]
    lines_count: int
    content: Content
    warnings: tuple[Finding, ...] = ()
    process: str | None = None
    vat_breakdown: tuple[VatLine, ...] = ()
    payment_means: tuple[PaymentMeans, ...] = ()
    envelope: tuple[tuple[str, str], ...] = ()
    name: str | None = None

    def datum(self, name: str) -> Datum | None:
        """The datum of a field, or None."""
        return next((datum for datum in self.fields if datum.name == name), None)

    def lines(self) -> Iterator[Line]:
        """The lines, read as they are asked for."""
        return self.content.lines()

    def document(self) -> Document | None:
        """Every element of a UBL or CII document, made anew each time; None for another syntax."""
        return self.content.document()

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes, read when asked for."""
        return self.content.notes()

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The documents inside, decoded by :meth:`Attachment.content` only."""
        return self.content.attachments()
