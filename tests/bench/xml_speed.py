"""XML to header fields on one core, beside lxml with one XPath a field: ``python -m tests.bench.xml_speed``.

The documents are the public samples beside the project, embedded in PDFs or not, whose size is nearest to the median
(``CHORALE_CORPUS`` or ``../shared/corpus``), else generated ones of about that size. Time is the processor's, so that a
neighbour on the machine counts little.
"""

import argparse
import cProfile
import json
import os
import pstats
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pypdfium2
from lxml import etree

from invoice.syntax import looks_like_xml, parse
from invoice.syntax.names import CII, OASIS, UBL
from tests.bench.report import Figure, publish
from tests.unit.invoice.syntax.samples import PLAIN, cii, ubl

BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
AROUND_MEDIAN = 24
SECONDS = 1.0
ROUNDS = 5
GOAL = 2_500

_AGREEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement"
_SETTLEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement"
_SUMS = f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
CII_PATHS = (
    "rsm:ExchangedDocument/ram:ID",
    "rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString",
    f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString",
    "rsm:ExchangedDocument/ram:TypeCode",
    f"{_SETTLEMENT}/ram:InvoiceCurrencyCode",
    *(f"{_SUMS}/ram:{n}Amount" for n in ("TaxBasisTotal", "TaxTotal", "GrandTotal", "TotalPrepaid", "DuePayable")),
    f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:RateApplicablePercent",
    f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:BasisAmount",
    f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:CalculatedAmount",
    f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:DueDateTypeCode",
    f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode",
    f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementPaymentMeans/ram:PayeePartyCreditorFinancialAccount/ram:IBANID",
    *(
        f"{_AGREEMENT}/ram:{side}TradeParty/{path}"
        for side in ("Seller", "Buyer")
        for path in (
            "ram:GlobalID[@schemeID='0009']",
            "ram:SpecifiedLegalOrganization/ram:ID",
            "ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']",
        )
    ),
    f"{_AGREEMENT}/ram:BuyerReference",
    f"{_AGREEMENT}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID",
    f"{_AGREEMENT}/ram:ContractReferencedDocument/ram:IssuerAssignedID",
)
UBL_PATHS = (
    "cbc:ID",
    "cbc:IssueDate",
    "cbc:DueDate",
    "cbc:InvoiceTypeCode",
    "cbc:DocumentCurrencyCode",
    "cac:TaxTotal/cbc:TaxAmount",
    *(f"cac:LegalMonetaryTotal/cbc:{n}Amount" for n in ("TaxExclusive", "TaxInclusive", "Prepaid", "Payable")),
    "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:Percent",
    "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount",
    "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount",
    "cac:InvoicePeriod/cbc:DescriptionCode",
    "cac:PaymentMeans/cbc:PaymentMeansCode",
    "cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID",
    *(
        f"cac:Accounting{side}Party/cac:Party/{path}"
        for side in ("Supplier", "Customer")
        for path in (
            "cac:PartyIdentification/cbc:ID[@schemeID='0009']",
            "cac:PartyLegalEntity/cbc:CompanyID",
            "cac:PartyTaxScheme/cbc:CompanyID",
        )
    ),
    "cbc:BuyerReference",
    "cac:OrderReference/cbc:ID",
    "cac:ContractDocumentReference/cbc:ID",
)


def by_xpath(data: bytes) -> list[str | None]:
    """What most programs do: the document parsed, one XPath for each of 25 fields."""
    root = etree.fromstring(data)
    is_ubl = str(root.tag).startswith(f"{{{OASIS}")
    found: list[str | None] = []
    for path in UBL_PATHS if is_ubl else CII_PATHS:
        nodes = root.xpath(path, namespaces=UBL if is_ubl else CII)
        found.append(nodes[0].text if isinstance(nodes, list) and nodes else None)
    return found


def samples() -> list[bytes]:
    """Every XML invoice of the public samples, alone or inside a PDF, else generated ones; by size."""
    folder = Path(os.environ.get("CHORALE_CORPUS", BESIDE))
    truth = folder / "truth.jsonl"
    if truth.exists():
        rows = map(json.loads, truth.read_text(encoding="utf-8").splitlines())
        files = [(row["kind"], folder / row["file"]) for row in rows if row.get("invoice_number")]
        found = [file.read_bytes() for kind, file in files if kind == "xml"]
        return sorted([*found, *embedded(file for kind, file in files if kind == "pdf")], key=len)
    made = (replace(PLAIN, number=f"F{n}", lines=1 + n % 4) for n in range(100))
    return sorted((write(facts) for facts in made for write in (cii, ubl)), key=len)


def embedded(files: Iterable[Path]) -> Iterator[bytes]:
    """The XML invoices inside PDFs."""
    for file in files:
        pdf: Any = pypdfium2.PdfDocument(file.read_bytes())
        contents = (bytes(pdf.get_attachment(index).get_data()) for index in range(pdf.count_attachments()))
        yield from [content for content in contents if looks_like_xml(content[:1024])]
        pdf.close()


def rate(read: Callable[[bytes], object], documents: Sequence[bytes]) -> list[float]:
    """Documents per second of processor time, once a round."""
    runs: list[float] = []
    for _ in range(ROUNDS):
        done, began = 0, time.process_time()
        while (spent := time.process_time() - began) < SECONDS / ROUNDS or not done:
            for data in documents:
                read(data)
            done += len(documents)
        runs.append(done / spent if spent else 0.0)
    return runs


def whole(data: bytes) -> None:
    """Everything that a document holds: header, lines, notes, attachments decoded."""
    for found in parse(data):
        for _ in found.lines():
            pass
        _ = found.notes
        for attachment in found.attachments:
            attachment.content()


def measure() -> Sequence[Figure]:
    """The figures of reading structured invoices."""
    documents = samples()
    middle = len(documents) // 2
    near = documents[max(middle - AROUND_MEDIAN // 2, 0) : middle + AROUND_MEDIAN // 2]
    parse(near[0])  # tables that are read once
    size = f"{median(map(len, near)) / 1000:.1f} kB"
    return (
        _figure(f"XML to header fields, {size} (the samples' median)", parse, near, at_least=GOAL),
        _figure(f"XML to header fields, all {len(documents)} samples", parse, documents),
        _figure(f"XML, header, lines, attachments, all {len(documents)} samples", whole, documents),
    )


def _figure(
    name: str, read: Callable[[bytes], object], documents: Sequence[bytes], at_least: float | None = None
) -> Figure:
    runs = rate(read, documents)
    baseline = {"lxml and 25 XPaths": median(rate(by_xpath, documents)), "lxml alone": median(rate(_only, documents))}
    return Figure(
        bench="reading",
        figure=name,
        value=median(runs),
        unit="documents/s",
        at_least=at_least,
        baseline=baseline,
        runs=runs,
    )


def _only(data: bytes) -> object:
    return etree.fromstring(data)


def main() -> None:
    """Print the figures; with ``--profile`` where the time goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="show the functions that take the time")
    arguments = parser.parse_args()
    publish(measure())
    if arguments.profile:
        documents = samples()
        near = documents[len(documents) // 2 - 10 : len(documents) // 2 + 10]
        with cProfile.Profile() as profile:
            for _ in range(100):
                for data in near:
                    parse(data)
        pstats.Stats(profile).sort_stats("tottime").print_stats(20)


if __name__ == "__main__":
    main()
