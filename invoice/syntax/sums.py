"""The VAT breakdown and the ways to pay: canonical values, and the rows as they stand."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice

from lxml.etree import _Element

from invoice.syntax import codes, values
from invoice.syntax.header import Header, label
from invoice.syntax.model import PaymentMeans, VatLine
from invoice.syntax.tree import Found, first_text
from invoice.syntax.values import Malformed

# A category that bears no tax may leave its rate out (EN 16931, BR-O-05); any other may not.
_WITHOUT_RATE = frozenset({"O", "E", "AE", "K", "G", "Z"})
_NONE: Sequence[_Element] = ()
MAX_ROWS = 200  # far more than there are rates and categories
MAX_MEANS = 100


def settle_breakdown(header: Header, rows: Iterable[Found]) -> tuple[VatLine, ...]:
    """Settle ``vat_breakdown`` from its rows; one that cannot be read leaves the whole absent."""
    lines: list[VatLine] = []
    broken = False
    raw: list[str] = []
    for number, row in enumerate(rows):
        if number == MAX_ROWS:
            header.warn("DATA_TOO_MANY", field="vat_breakdown", label=label("vat_breakdown"), limit=str(MAX_ROWS))
            broken = True
            break
        line = _vat_line(header, row)
        if line is None:
            broken = True
        else:
            lines.append(line)
            raw.append(" ".join(first_text(row, key) or "-" for key in ("rate", "base", "amount")))
    if lines and not broken:
        ordered = sorted(lines, key=lambda line: (-line.rate, -line.base, -line.amount))
        shown = (f"{values.show(line.rate)} {values.show(line.base)} {values.show(line.amount)}" for line in ordered)
        header.set("vat_breakdown", "; ".join(shown), "BG-23", "; ".join(raw))
    return tuple(lines)


def _vat_line(header: Header, row: Found) -> VatLine | None:
    category = first_text(row, "category")
    base = _number(header, row.get("base", _NONE))
    tax = _number(header, row.get("amount", _NONE))
    elements = row.get("rate", _NONE)
    rate = _number(header, elements, is_rate=True)
    if not any((element.text or "").strip() for element in elements) and category in _WITHOUT_RATE:
        rate = Decimal(0)
    if base is None or tax is None or rate is None:
        return None
    reason = first_text(row, "exemption_code") or first_text(row, "exemption")
    return VatLine(rate=rate, base=base, amount=tax, category=category, exemption=reason and reason[: values.MAX_TEXT])


def _number(header: Header, elements: Sequence[_Element], *, is_rate: bool = False) -> Decimal | None:
    """The one number of the elements; None, with a finding where there is a text that is none."""
    numbers: set[Decimal] = set()
    for element in elements:
        text = element.text
        if not text or not text.strip():
            continue
        try:
            numbers.add(values.rate(text) if is_rate else values.number(text, 2))
        except Malformed as error:
            header.malformed("vat_breakdown", element, text, error.rule)
            return None
    if len(numbers) > 1:
        header.malformed("vat_breakdown", elements[-1], elements[-1].text or "", "une seule valeur par ligne de TVA")
    return numbers.pop() if len(numbers) == 1 else None


def settle_regime(header: Header, lines: Sequence[VatLine], *, words: str | None, due: Iterable[_Element]) -> None:
    """Settle ``vat_regime``: Chorus Pro's words, else what all categories say, else the tax point (BT-8)."""
    if words is not None:
        named = codes.regime_of_words(words)
        if named is not None:
            header.set("vat_regime", named, "BT-8", words)
            return
    named = codes.regime_of_categories([(line.category, line.exemption) for line in lines])
    if named is not None:
        header.set("vat_regime", named, "BT-118", ", ".join(sorted({line.category or "" for line in lines})))
        return
    texts = {text.strip() for element in due if (text := element.text) and text.strip()}
    regimes = {codes.regime_of_due_date(text) for text in texts}
    if len(regimes) == 1 and (only := regimes.pop()) is not None:
        header.set("vat_regime", only, "BT-8", ", ".join(sorted(texts)))


def settle_payment(header: Header, rows: Iterable[Found]) -> tuple[PaymentMeans, ...]:
    """Settle ``payment_mode`` and ``supplier_iban`` from the ways to pay."""
    rows = list(islice(rows, MAX_MEANS))
    code_elements = [element for row in rows for element in row.get("code", _NONE)]
    known: list[_Element] = []
    for element in code_elements:
        code = (element.text or "").strip()
        if code.upper() in codes.PAYMENT_MODES:
            known.append(element)
        elif code:
            header.warn("DATA_CODE_UNKNOWN", field="payment_mode", value=code, label=label("payment_mode"))
    header.take("payment_mode", "BT-81", known, lambda text: codes.PAYMENT_MODES[text.strip().upper()])
    accounts = [e for row in rows for e in (*row.get("iban", _NONE), *filter(_is_iban, row.get("account", _NONE)))]
    header.take("supplier_iban", "BT-84", accounts, values.iban)
    account = header.value("supplier_iban")
    if account is not None and not values.iban_holds(account):
        header.warn("DATA_IBAN_KEY", value=account)
        header.doubt("supplier_iban")
    return tuple(_means(row) for row in rows)


def _is_iban(account: _Element) -> bool:
    """UBL has one place for accounts of every kind: only what looks like an IBAN is asked to be one."""
    try:
        values.iban(account.text or "")
    except Malformed:
        return False
    return True


def _account(text: str | None) -> str | None:
    """An IBAN in canonical form, any other account as written."""
    try:
        return text and values.iban(text)
    except Malformed:
        return text


def _means(row: Found) -> PaymentMeans:
    code = first_text(row, "code")
    return PaymentMeans(
        code=code,
        mode=None if code is None else codes.PAYMENT_MODES.get(code.upper()),
        account=_account(first_text(row, "iban") or first_text(row, "account")),
        bic=first_text(row, "bic"),
        reference=first_text(row, "reference"),
    )
