"""What earlier invoices of the same supplier say about a new one."""

from datetime import date
from decimal import Decimal

from invoice.checks import check_header
from invoice.checks_history import Earlier, check_history, check_preceding
from invoice.model import InvoiceHeader

IBAN, OTHER = "FR7630006000011234567890189", "DE89370400440532013000"


def header(**given: object) -> InvoiceHeader:
    values: dict[str, object] = {
        "invoice_number": "F2",
        "issue_date": date(2025, 11, 3),
        "supplier_siret": "73282932000074",
        "recipient_siret": "20002983300015",
        "total_excl_tax": Decimal("100.00"),
        "tax": Decimal("20.00"),
        "total_incl_tax": Decimal("120.00"),
        "payable": Decimal("120.00"),
        **given,
    }
    return InvoiceHeader(**values)  # type: ignore[arg-type]  # a few fields each test


def earlier(**given: object) -> Earlier:
    values: dict[str, object] = {
        "invoice_number": "F1",
        "issue_date": date(2025, 11, 3),
        "total_incl_tax": Decimal("120.00"),
        **given,
    }
    return Earlier(**values)  # type: ignore[arg-type]  # a few fields each test


def codes(
    invoice: InvoiceHeader, *known: Earlier, iban: str | None = None, accounts: tuple[str, ...] = ()
) -> list[str]:
    return [one.code for one in check_history(invoice, iban, known, accounts)]


def test_an_iban_that_was_never_named_is_told_by_its_last_digits() -> None:
    assert codes(header(), iban=OTHER, accounts=(IBAN,)) == ["IBAN_CHANGED"]
    (found,) = check_history(header(), OTHER, (), (IBAN,))
    assert found.level == "warn"
    assert "…3000" in found.message
    assert "…0189" in found.message
    assert OTHER not in found.message
    assert IBAN not in found.message


def test_a_first_iban_a_known_one_and_none_are_not_told() -> None:
    assert codes(header(), iban=IBAN) == []
    assert codes(header(), iban=IBAN, accounts=(OTHER, IBAN)) == []
    assert codes(header(), accounts=(IBAN,)) == []


def test_who_may_not_see_the_earlier_invoice_is_told_neither_its_number_nor_its_account() -> None:
    found = check_history(header(), OTHER, (earlier(),), (IBAN,), named=False)
    assert [one.code for one in found] == ["IBAN_CHANGED", "SAME_INVOICE"]
    told = " ".join(one.message for one in found)
    assert "…3000" in told
    assert "0189" not in told
    assert "F1" not in told
    assert "Une autre facture du même fournisseur" in told


def test_the_same_amount_and_date_under_another_number_is_told() -> None:
    assert codes(header(), earlier()) == ["SAME_INVOICE"]
    for other in (
        earlier(invoice_number="F2"),
        earlier(issue_date=date(2025, 11, 4)),
        earlier(total_incl_tax=Decimal("120.01")),
        earlier(type_code="381"),
    ):
        assert codes(header(), other) == []


def test_a_credit_note_about_a_rejected_invoice_is_stopped() -> None:
    credit = header(type_code="381", preceding_invoice="F1")
    (found,) = check_preceding(credit, (earlier(rejected=True),))
    assert (found.code, found.level) == ("PRECEDING_REJECTED", "refuse")
    for one in (earlier(), earlier(invoice_number="F0", rejected=True), earlier(type_code="381", rejected=True)):
        assert check_preceding(credit, (one,)) == ()
    assert check_preceding(credit, (earlier(rejected=True), earlier())) == ()
    assert check_preceding(header(preceding_invoice="F1"), (earlier(rejected=True),)) == ()


def test_what_is_already_paid_is_the_total_of_an_invoice_already_paid() -> None:
    paid = {"cadre": "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", "payable": Decimal(0)}

    def said(prepaid: str | None) -> list[str]:
        invoice = header(**paid, prepaid=None if prepaid is None else Decimal(prepaid))
        found = check_header(invoice, on=date(2025, 12, 1), depositor_structures=("73282932000074",))
        return [one.code for one in found]

    assert said("120.00") == []
    assert said(None) == []  # a PDF with totals only
    assert said("100.00") == ["ALREADY_PAID_PREPAID"]
