"""CPPFactureMixte (FSO1113A): Chorus Pro's own flow, several invoices under one envelope (chorus-pro.md, annex B)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial

from lxml.etree import _Element

from invoice.messages import finding
from invoice.money import TOLERANCE
from invoice.syntax import values
from invoice.syntax.assemble import CHORUS_PROFILE, place, settle_cadre, settle_type, short_text
from invoice.syntax.contents import MAX_ATTACHMENTS, attachment, read_line
from invoice.syntax.elements import Document
from invoice.syntax.header import Header
from invoice.syntax.model import Attachment, DataFile, Limits, Line, Note, SyntaxRefused
from invoice.syntax.sums import settle_breakdown, settle_payment, settle_regime
from invoice.syntax.tree import Found, Plan, collect, compile_plan, first_text

ROOT = "CPPFactureMixte"
_SIRET_KINDS = frozenset({"1", "01", "SIRET"})
_TERMS_OF_PARTY = {"supplier": "BT-29", "recipient": "BT-46"}
MAX_PARAMETERS = 100
_NONE: Sequence[_Element] = ()

# Without a namespace in the published form; the table is made again for one that has it.
_INVOICE = {
    "Fournisseur/TypeIdentifiant": "supplier_kind",
    "Fournisseur/Identifiant": "supplier_id",
    "Fournisseur/ReferenceBancaire": "bank",
    "Debiteur/TypeIdentifiant": "recipient_kind",
    "Debiteur/Identifiant": "recipient_id",
    "Debiteur/CodeService": "service_code",
    "DonneesFacture/Id": "number",
    "DonneesFacture/IdFactureOrigine": "preceding",
    "DonneesFacture/Type": "type_code",
    "DonneesFacture/Cadre": "cadre",
    "DonneesFacture/DateEmissionFacture": "issue_date",
    "DonneesFacture/ModePaiement": "means",
    "DonneesFacture/Devise": "currency",
    "DonneesFacture/Montants/MontantHT": "excl",
    "DonneesFacture/Montants/MontantTTC": "incl",
    "DonneesFacture/Montants/MontantNetAPayer": "payable",
    "DonneesFacture/TVAS/TVA": "row",
    "DonneesFacture/TVAs/TVA": "row",
    "DonneesFacture/Engagement/NumeroMarche": "contract",
    "DonneesFacture/Engagement/NumeroEngagement": "engagement",
    "DonneesFacture/Lignes/Ligne": "line",
    "PJ": "document",
}
_ROW = {"Taux": "rate", "BaseHt": "base", "BaseHT": "base", "MontantTVA": "amount"}
_MEANS = {"Code": "code"}
_BANK = {"Compte": "account", "Etablissement": "bic"}
_DOCUMENT = {"Contenu": "binary", "NomPJ": "name", "MimeTypePJ": "media_type", "TypePJ": "description"}
_LINE = {
    "ReferenceProduit": "name",
    "PrixUnitaire": "unit_price",
    "Quantite": "quantity",
    "MontantHT": "net_amount",
    "TauxTVA": "vat_rate",
}
_FILE = {
    "Enveloppe/EnveloppeUnitaire/Parametres/ParametreIndiv": "parameter",
    "Enveloppe/EnveloppeUnitaire/Partenaires/Recepteur/Id": "Recepteur",
    "Enveloppe/EnveloppeUnitaire/Partenaires/Emetteur/Id": "Emetteur",
    "CPPFactures/CPPFactureMixteUnitaire": "invoice",
}
_PARAMETER = {"Code": "code", "Valeurparametre": "value", "ValeurParametre": "value"}


class _Plans:
    """The plans under the namespace that the root has, or under none."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.file, self.parameter, self.invoice = self._plan(_FILE), self._plan(_PARAMETER), self._plan(_INVOICE)
        self.row, self.means, self.bank = self._plan(_ROW), self._plan(_MEANS), self._plan(_BANK)
        self.document, self.line = self._plan(_DOCUMENT), self._plan(_LINE)

    def _plan(self, paths: dict[str, str]) -> Plan:
        if not self._namespace:
            return compile_plan(paths, {})
        prefixed = {"/".join(f"x:{part}" for part in path.split("/")): key for path, key in paths.items()}
        return compile_plan(prefixed, {"x": self._namespace})


_BARE = _Plans("")


class CppContent:
    """Of one invoice of the flow. It has no notes."""

    def __init__(self, found: Found, plans: _Plans, limits: Limits) -> None:
        self._found = found
        self._plans = plans
        self._limits = limits

    def lines(self) -> Iterator[Line]:
        return (read_line(element, self._plans.line) for element in self._found.get("line", _NONE))

    def notes(self) -> tuple[Note, ...]:
        return ()

    def attachments(self) -> tuple[Attachment, ...]:
        documents = self._found.get("document", _NONE)[:MAX_ATTACHMENTS]
        rows = [collect(element, self._plans.document, {}) for element in documents]
        return tuple(
            attachment(
                name=first_text(row, "name") or f"piece-jointe-{position}",
                media_type=first_text(row, "media_type") or "",
                description=first_text(row, "description"),
                encoded=partial(_joined, row),
                limit=self._limits.max_attachment_bytes,
            )
            for position, row in enumerate(rows, start=1)
        )

    def document(self) -> Document | None:
        return None


def _joined(row: Found) -> str:
    return "".join(element.text or "" for element in row.get("binary", _NONE))


def read(root: _Element, limits: Limits) -> tuple[DataFile, ...]:
    """Every invoice of the flow, in order.

    Raises SyntaxRefused ``XML_NO_INVOICE`` or ``XML_TOO_MANY_INVOICES``.
    """
    namespace = str(root.tag)[1:].partition("}")[0] if str(root.tag).startswith("{") else ""
    plans = _Plans(namespace) if namespace else _BARE
    found = collect(root, plans.file, {})
    invoices = found.get("invoice", _NONE)
    if not invoices:
        raise SyntaxRefused(finding("XML_NO_INVOICE"), line=root.sourceline or 0)
    if len(invoices) > limits.max_invoices:
        limit, value = str(limits.max_invoices), str(len(invoices))
        raise SyntaxRefused(finding("XML_TOO_MANY_INVOICES", value=value, limit=limit))
    envelope = tuple(_envelope(found, plans))
    return tuple(_invoice(element, plans, limits, envelope) for element in invoices)


def _envelope(found: Found, plans: _Plans) -> Iterator[tuple[str, str]]:
    for element in found.get("parameter", _NONE)[:MAX_PARAMETERS]:
        row = collect(element, plans.parameter, {})
        code, value = first_text(row, "code"), first_text(row, "value")
        if code is not None and value is not None:
            yield code[: values.MAX_TEXT], value[: values.MAX_TEXT]
    for name in ("Emetteur", "Recepteur"):
        value = first_text(found, name)
        if value is not None:
            yield name, value[: values.MAX_TEXT]


def _invoice(element: _Element, plans: _Plans, limits: Limits, envelope: tuple[tuple[str, str], ...]) -> DataFile:
    found = collect(element, plans.invoice, {})
    header = Header(found)
    header.take("invoice_number", "BT-1", found.get("number", _NONE), values.token)
    header.take("issue_date", "BT-2", found.get("issue_date", _NONE), values.iso_day)
    header.take("type_code", "BT-3", found.get("type_code", _NONE), values.token)
    header.take("currency", "BT-5", found.get("currency", _NONE), values.currency)
    for side, term in _TERMS_OF_PARTY.items():
        _party(header, side, term)
    header.take("service_code", "BT-46", found.get("service_code", _NONE), values.token)
    header.take("engagement", "BT-13", found.get("engagement", _NONE), values.token)
    header.take("contract", "BT-12", found.get("contract", _NONE), values.token)
    header.take("preceding_invoice", "BT-25", found.get("preceding", _NONE), values.token)
    settle_type(header)
    header.money("total_excl_tax", "BT-109", found.get("excl", _NONE))
    header.money("total_incl_tax", "BT-112", found.get("incl", _NONE))
    header.money("payable", "BT-115", found.get("payable", _NONE))
    breakdown = settle_breakdown(header, [collect(row, plans.row, {}) for row in found.get("row", _NONE)])
    _tax(header, [line.amount for line in breakdown])
    settle_regime(header, breakdown, words=None, due=_NONE)
    means = [collect(row, plans.means, {}) for row in found.get("means", _NONE)]
    banks = [collect(row, plans.bank, {}) for row in found.get("bank", _NONE)]
    ways = settle_payment(header, _paired(means, banks))
    settle_cadre(header, place(header, "cadre", "BT-23"))
    return DataFile(
        source="cpp",
        profile=CHORUS_PROFILE,
        process=short_text(found, "cadre"),
        fields=header.fields(),
        lines_count=len(found.get("line", _NONE)),
        content=CppContent(found, plans, limits),
        warnings=tuple(header.warnings),
        vat_breakdown=breakdown,
        payment_means=ways,
        envelope=envelope,
    )


def _party(header: Header, side: str, term: str) -> None:
    """A SIRET where the kind says so; another kind of identifier is no field of the header."""
    kind = first_text(header.found, f"{side}_kind")
    if kind is None or kind.upper() in _SIRET_KINDS:
        header.take(f"{side}_siret", term, header.found.get(f"{side}_id", _NONE), values.siret)
    elif kind in ("2", "02", "UE_HORS_FRANCE"):
        header.take(f"{side}_vat", term, header.found.get(f"{side}_id", _NONE), values.vat)


def _tax(header: Header, amounts: Sequence[Decimal]) -> None:
    """The flow has no total of the tax: the breakdown's sum, which must be what the totals leave for it."""
    excl, incl = header.value("total_excl_tax"), header.value("total_incl_tax")
    left = None if excl is None or incl is None else Decimal(incl) - Decimal(excl)
    whole = header.value("vat_breakdown") is not None
    total = sum(amounts, Decimal(0)) if whole else left
    if total is None:
        return
    agree = left is None or abs(total - left) <= TOLERANCE
    header.set("tax", values.show(total), "BT-110", values.show(total), sure=agree)
    if not agree and left is not None:
        header.warn("DATA_TAX_SUM", value=values.show(total), left=values.show(left))


def _paired(means: Sequence[Found], banks: Sequence[Found]) -> Iterator[Found]:
    """Ways to pay and accounts stand apart in this flow; the first of each belong together."""
    for index in range(max(len(means), len(banks))):
        merged: Found = dict(means[index]) if index < len(means) else {}
        if index < len(banks):
            merged.update(banks[index])
        yield merged
