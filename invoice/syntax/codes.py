"""Codes of the standards and of Chorus Pro, turned into the platform's own. What is not in a table stays as written."""

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType

from invoice import packaged

# chorus-pro.md 8.1 and, for the reform's codes, 8.3. S5 is forbidden to a public buyer and has no twin.
_CADRES = {
    "A1": "A1_FACTURE_FOURNISSEUR",
    "A2": "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE",
    "A9": "A9_FACTURE_SOUSTRAITANT",
    "A12": "A12_FACTURE_COTRAITANT",
}
_REFORM = {
    **dict.fromkeys(("B1", "S1", "M1", "B4", "S4", "M4", "B7", "S7", "B8", "S8", "M8", "B9", "S9", "M9"), "A1"),
    **dict.fromkeys(("B2", "S2", "M2"), "A2"),
}
_OWN = ("S3", "S6")  # cadres of their own: their refusals and numbers follow other rules than those of A9 and A12
_FORBIDDEN = ("S5", "A3", "A21")  # kept as written: the checks of the deposit refuse them in words


@cache
def cadres() -> Mapping[str, str]:
    """Every code of a cadre, and the API value it stands for; read once, when a document first names one."""
    works = {piece["code"]: piece["api"] for piece in packaged.load("lifecycle.yaml")["works"]["pieces"]}
    return MappingProxyType(
        {
            **_CADRES,
            **works,
            **{api: api for api in (*_CADRES.values(), *works.values())},
            **{code: _CADRES[twin] for code, twin in _REFORM.items()},
            **{code: code for code in (*_OWN, *_FORBIDDEN)},
        }
    )


# Types that an invoice to a public body may have (chorus-pro.md 6); the platform's own are 380 and 381.
OWN_TYPES = frozenset({"380", "381"})
TYPES = OWN_TYPES | frozenset(
    {"389", "393", "501", "386", "500", "384", "471", "472", "473", "261", "262", "396", "502", "503"}
)

# UNCL 4461 (BT-81) and Chorus Pro's own words.
PAYMENT_MODES: Mapping[str, str] = MappingProxyType(
    {
        "10": "ESPECE",
        **dict.fromkeys(("20", "21", "22", "23", "24", "25", "26"), "CHEQUE"),
        **dict.fromkeys(("30", "31", "42", "58"), "VIREMENT"),
        **dict.fromkeys(("49", "59"), "PRELEVEMENT"),
        **dict.fromkeys(("48", "54", "55", "57", "97"), "AUTRE"),
        **{mode: mode for mode in ("VIREMENT", "PRELEVEMENT", "CHEQUE", "ESPECE", "AUTRE", "REPORT")},
    }
)

# BT-8: UNCL 2475 in CII, UNCL 2005 in UBL. On delivery (29, 35) is the rule for goods and names no option.
_DUE = {
    "5": "TVA_SUR_DEBIT",
    "3": "TVA_SUR_DEBIT",
    "72": "TVA_SUR_ENCAISSEMENT",
    "432": "TVA_SUR_ENCAISSEMENT",
}
# Chorus Pro's TaxTypeCode (chorus-pro.md 19), and the words of its API.
_REGIMES = {
    "TVA DEBIT": "TVA_SUR_DEBIT",
    "TVA SUR DEBIT": "TVA_SUR_DEBIT",
    "TVA ENCAISSEMENT": "TVA_SUR_ENCAISSEMENT",
    "TVA SUR ENCAISSEMENT": "TVA_SUR_ENCAISSEMENT",
    "EXONERATION": "EXONERATION",
    "AUTOLIQUIDATION": "AUTOLIQUIDATION",
    "SANS TVA": "FRANCHISE",
}
_FRANCHISE = "VATEX-FR-FRANCHISE"


def cadre(code: str) -> str | None:
    """The cadre that BT-23 or an A-code stands for; None for a process that is no cadre (a Peppol profile)."""
    return cadres().get(code.upper())


def regime_of_words(text: str) -> str | None:
    """The VAT regime that Chorus Pro's words name."""
    words = text.upper().replace("É", "E").replace("_", " ")
    return _REGIMES.get(" ".join(words.split()))


def regime_of_due_date(code: str) -> str | None:
    """The VAT regime that the code of the tax point (BT-8) names."""
    return _DUE.get(code.strip())


def regime_of_categories(categories: Collection[tuple[str | None, str | None]]) -> str | None:
    """The VAT regime that all rows of the breakdown agree on: ``(category, exemption code)`` each."""
    kinds = {category for category, _ in categories}
    if kinds == {"AE"}:
        return "AUTOLIQUIDATION"
    if kinds == {"E"}:
        franchise = all((reason or "").strip().upper() == _FRANCHISE for _, reason in categories)
        return "FRANCHISE" if franchise else "EXONERATION"
    return None
