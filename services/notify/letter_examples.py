"""An example of every message, for `preview`, the snapshots and the documentation. Invented people only."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from invoice.findings import Finding
from invoice.messages import finding
from services.notify.digests import Part, render_many
from services.notify.domain import Count, Facts, Figure, Language
from services.notify.letters import Letter, render, said
from services.notify.matrix import WORDED, Audience, Rule
from services.notify.store import CARRIERS

AT: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INVOICE: Final = "0190e8a0-0000-7000-8000-000000000042"
PUBLIC_URL: Final = "https://factures.example"
_BODY = "Département des Alpes-Maritimes – Budget Principal"
_WRONG_SERVICE = (finding("SERVICE_UNKNOWN", value="ACHATS", name=_BODY, siret="22060001900016", codes=""),)
_MISSING = (
    Finding(
        code="PJ_ABS",
        level="refuse",
        message="Pièce justificative absente : le bon de livraison signé n'est pas joint.",
        action="Ajoutez le bon de livraison signé.",
    ),
)
_INVOICE = Facts(
    at=AT,
    number="F-2026-0042",
    issue_date=date(2026, 3, 1),
    payable=Decimal("1234.50"),
    supplier_siret="99900001100018",
    recipient_siret="22060001900016",
    recipient_name=_BODY,
    service_code="TEST-ACHATS",
    service_label="Service des achats",
)
_DOCUMENT = Facts(at=AT, file_name="facture-0042.pdf", reasons=_WRONG_SERVICE)
_FLOW = Facts(at=AT, file_name="factures-fevrier.tar.gz")
_RECAP = Facts(
    at=AT,
    about="22060001900016",
    figures=(
        Figure("MISE_A_DISPOSITION", 12, Decimal("18450.20")),
        Figure("MISE_EN_PAIEMENT", 3, Decimal("2210.00")),
    ),
)
_PERSON = Facts(at=AT, about=_BODY)
_FIRM: Final = "Menuiserie du Port"
_UNTIL: Final = "04/03/2026 à 10:30"
_LINKED: Final = Facts(
    at=AT,
    link=f"{PUBLIC_URL}/lien?token=EXAMPLE",
    values={"until": _UNTIL, "provider": "ProConnect"},
)
_TOLD: Final = Facts(at=AT, values={"address": "claire@menuiserie.example", "what": "une clé d'accès a été ajoutée"})


def _more(facts: Facts, **changes: object) -> Facts:
    return msgspec.structs.replace(facts, **changes)


_OTHERS: Final[dict[str, Facts]] = {
    "A_RECYCLER": _more(_INVOICE, reasons=_WRONG_SERVICE),
    "SUSPENDUE": _more(_INVOICE, reasons=_MISSING),
    "REJETEE": _more(_INVOICE, reasons=_MISSING),
    "REFUSEE_1": _more(_INVOICE, reasons=_MISSING),
    "REFUSEE_2": _more(_INVOICE, reasons=_MISSING),
    "DRAFT_SAVED": _DOCUMENT,
    "DRAFT_AGED": _more(_DOCUMENT, days=7),
    "DRAFT_FORGOTTEN": _more(_DOCUMENT, days=30),
    "DEPOSIT_REFUSED": _more(_DOCUMENT, number="F-2026-0042"),
    "FLOW_REFUSED": _more(_FLOW, reasons=_MISSING),
    "FLOW_REPEATED": _FLOW,
    "FLOW_PARTIAL": _more(_FLOW, counts=(Count("integrated", 995), Count("to_verify", 3), Count("rejected", 2))),
    "FLOW_FINISHED": _more(_FLOW, counts=(Count("integrated", 1000), Count("ignored", 1))),
    "VALIDATION_REMINDER": _more(_INVOICE, days=5),
    "DELAY_AT_RISK": _more(_INVOICE, due_on=date(2026, 4, 1)),
    "DELAY_PASSED": _more(_INVOICE, due_on=date(2026, 4, 1), days=1),
    "SUSPENSION_UNANSWERED": _more(_INVOICE, days=15),
    "GENERAL_ACCOUNT_TACIT": _more(_INVOICE, days=10),
    "STATUS_UNCHANGED": _more(_INVOICE, days=21),
    "WEEKLY_RECAP": _RECAP,
    **dict.fromkeys(
        (
            "ACCOUNT_ACTIVATION",
            "ACCOUNT_EXISTS",
            "PASSWORD_RESET",
            "SIGN_IN_LOCKED",
            "EMAIL_CHANGE_NEW",
            "PROVIDER_LINK",
            "ACCOUNT_CLOSED",
        ),
        _LINKED,
    ),
    **dict.fromkeys(
        ("PASSWORD_CHANGED", "SECOND_FACTOR_CHANGED", "EMAIL_CHANGED", "EMAIL_TAKEN", "ACCOUNT_ERASED"), _TOLD
    ),
    "EMAIL_CHANGE_OLD": Facts(at=AT, link=_LINKED.link, values={"until": _UNTIL, **_TOLD.values}),
    "ACCOUNT_NOTICE": Facts(
        at=AT,
        values={
            "heading": "Un secret de votre logiciel expire dans 7 jours",
            "words": "Un secret du logiciel « Comptabilité » expire le 09/03/2026.",
            "todo": "Créez-en un autre et donnez-le au logiciel.",
        },
    ),
    **dict.fromkeys(
        ("RATTACHEMENT_EXPIRED", "RATTACHEMENT_TO_DECIDE", "PROOF_APPROVED"), Facts(at=AT, values={"about": _FIRM})
    ),
    **dict.fromkeys(
        ("RATTACHEMENT_REFUSED", "PROOF_REFUSED"),
        Facts(at=AT, values={"about": _FIRM, "reason": "Le document date de l'an dernier."}),
    ),
    "RATTACHEMENT_REMINDER": Facts(at=AT, values={"about": _FIRM, "days": "6"}),
    "INVITATION": Facts(at=AT, link=_LINKED.link, values={"about": _FIRM, "until": "16/03/2026"}),
    "DELEGATION_GIVEN": Facts(at=AT, values={"about": _FIRM, "since": "03/08/2026", "until": "24/08/2026"}),
    **dict.fromkeys(
        ("STRUCTURE_MOVED", "STRUCTURE_MOVE_ASKED", "STRUCTURE_MOVE_REFUSED"),
        Facts(
            at=AT,
            values={
                "about": _FIRM,
                "successor": "Menuiserie du Port, quai Nord",
                "reason": "Nous ne vous connaissons pas.",
            },
        ),
    ),
    "RATTACHEMENT_ASKED": _PERSON,
    "RATTACHEMENT_GRANTED": _PERSON,
    **dict.fromkeys(
        (
            "SOLICITATION_ASKED",
            "SOLICITATION_ASKED_AGAIN",
            "SOLICITATION_REMINDER",
            "SOLICITATION_ANSWERED",
            "SOLICITATION_LATE",
            "SOLICITATION_CLOSED",
        ),
        Facts(
            at=AT,
            number="F-2026-0042",
            supplier_siret="99900001100018",
            recipient_siret="22060001900016",
            recipient_name=_BODY,
            service_code="TEST-ACHATS",
            due_on=date(2026, 3, 10),
            values={
                "solicitation": "0190e8a0-0000-7000-8000-000000000077",
                "reference": "S-0000042",
                "category": "Factures émises – Retard de paiement, intérêts",
                "category_en": "Issued invoices – Late payment, interest",
            },
        ),
    ),
    "TECHNICAL_PASSWORD_EXPIRES": Facts(at=AT, about="CPRO-TECH-06", days=7),
    "CONTACT_CONFIRM": _PERSON,
    "ADDRESS_DEAD": Facts(at=AT, about="ancienne.adresse@dept.example"),
    "ANNOUNCEMENT": Facts(
        at=AT,
        heading="Fermeture le 1er mai",
        words="La plateforme reste ouverte le 1er mai.\nLes services du département sont fermés ce jour-là.",
        heading_en="Closed on 1 May",
        words_en="The platform stays open on 1 May.\nThe services of the département are closed that day.",
    ),
    "WEBHOOK_DOWN": Facts(at=AT, file_name="recepteur.example"),
    "WEBHOOK_GONE": Facts(at=AT, file_name="recepteur.example"),
}
NAMES: Final[dict[str, Rule | None]] = {**{rule.name: rule for rule in WORDED}, **dict.fromkeys(CARRIERS)}


def titles(kind: str, audience: Audience, language: Language) -> str:
    """What a kind of message is called where it is chosen: the title of its example."""
    return said(kind, audience, facts(kind), INVOICE, language)[0]


def facts(kind: str) -> Facts:
    """What the example of a kind says."""
    return _OTHERS.get(kind, _INVOICE)


def example(name: str, language: Language = "fr", public_url: str | None = PUBLIC_URL) -> Letter:
    """The example of this name. Raises ``KeyError`` when there is none."""
    rule = NAMES[name]
    if rule is None:
        return _carrier(name, language, public_url)
    link = f"{PUBLIC_URL}/api/v1/messages/unsubscribe?token=EXAMPLE" if rule.optional else None
    told = facts(rule.kind)
    return render(
        rule.kind, rule.audience, told, INVOICE, public_url, language=language, unsubscribe=link, url=told.link
    )


def _carrier(name: str, language: Language, public_url: str | None) -> Letter:
    legal = name == "GATHERED"
    kinds = ("MISE_A_DISPOSITION",) * 3 if legal else ("DEPOSEE", "MISE_A_DISPOSITION", "MANDATEE")
    parts = [
        Part(
            kind=kind,
            audience="body" if legal else "supplier",
            subject=f"{INVOICE[:-1]}{number}",
            facts=_more(_INVOICE, number=f"F-2026-004{number}"),
        )
        for number, kind in enumerate(kinds)
    ]
    link = None if legal else f"{PUBLIC_URL}/api/v1/messages/unsubscribe?token=EXAMPLE"
    return render_many(name, parts, AT, public_url, language=language, unsubscribe=link)
