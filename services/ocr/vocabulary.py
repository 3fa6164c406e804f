"""The words that announce a datum, as one search tree: ``invoice/data/keywords.yaml`` and our own ``words.yaml``.

Accents, case, ``n°/nº/no/num``, dots in ``T.T.C.`` and small words (*de, du, la…*) make no difference. The longest
keyword wins, so a *decoy* (*N° TVA*, *Date d'échéance*) hides the shorter keyword in it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from invoice import keywords

AMOUNTS: Final = ("total_excl_tax", "tax", "total_incl_tax", "payable", "prepaid")
DECOY: Final = "decoy"
SIRET: Final = "siret"  # a SIRET whose owner the keyword does not tell; likewise:
SIREN: Final = "siren"
VAT: Final = "vat"
RCS: Final = "rcs"
IBAN: Final = "iban"
OTHER_IBAN: Final = "other_iban"
VAT_BASE: Final = "vat_base"  # heads of the table of rates
VAT_RATE: Final = "vat_rate"
PAYMENT_MODE: Final = "payment_mode"
TITLE: Final = "type_code"
BLOCK_RECIPIENT: Final = "block_recipient"
BLOCK_SUPPLIER: Final = "block_supplier"
BLOCK_OTHER: Final = "block_other"
LINE_TABLE: Final = "line_table"  # a column header of the invoice's lines
REGIMES: Final = {
    "regime_debit": "TVA_SUR_DEBIT",
    "regime_cashing": "TVA_SUR_ENCAISSEMENT",
    "regime_reverse": "AUTOLIQUIDATION",
    "regime_exempt": "EXONERATION",
    "regime_franchise": "FRANCHISE",
}
NO_VAT: Final = frozenset(("no_vat", "regime_reverse", "regime_exempt", "regime_franchise"))  # no VAT is due
DEDUCTION: Final = "deduction"  # something may lie between the total and what is payable

_YAML_FIELDS = (
    "recipient_siret", "engagement", "supplier_siret", "service_code", "contract", "invoice_number", "issue_date",
    "total_excl_tax", "tax", "total_incl_tax", "payable",
)  # fmt: skip
# They tell no owner, no number, or are too common a word to be searched for alone.
_LEFT_OUT = {"supplier_siret": ("SIRET", "SIREN", "N° SIRET"), "recipient_siret": ("Ministère",), "issue_date": ("le",)}
# Fields whose words of keywords.yaml stand in words.yaml by what they say (a regime, a mode): vat_regime, payment_mode.

_ACCENTS = "àâäáãåçéèêëíìîïñóòôöõúùûüýÿœæ"
_PLAIN = "aaaaaaceeeeiiiinooooouuuuyyoa"
_FOLD = str.maketrans(
    _ACCENTS + _ACCENTS.upper() + "’ʼ`´" + "ABCDEFGHIJKLMNOPQRSTUVWXYZº",
    _PLAIN + _PLAIN + "''''" + "abcdefghijklmnopqrstuvwxyz°",
)
_TOKEN = re.compile(
    r"n\s?°\.?"
    r"|(?<![a-z0-9])[a-z](?:\.[a-z])+(?![a-z0-9])\.?"
    r"|(?=[a-z0-9\-/_.+]*\d)[a-z0-9]+(?:[-/_.+][a-z0-9]+)*"
    r"|[a-z]+|[€%°]"
)
_CHOICE = re.compile(r"\{([^{}]*)\}")
_NUMBER_WORDS = frozenset(("n°", "n°.", "no", "num", "numero", "nr", "°"))
LONG = 300  # characters: a longer word comes once
SHORT = 3  # letters: a word that short, joined to others by a hyphen, is a part of a code
_SMALL = frozenset(("de", "d", "du", "des", "la", "l", "les", "au", "a"))


class Token(NamedTuple):
    """A word for comparison, and where it stands. ``#`` is anything with a digit in it."""

    text: str
    start: int
    end: int


class Keyword(NamedTuple):
    """What a run of tokens announces. ``field`` is a field's name or one of the marks above."""

    field: str
    rank: int
    text: str


class Found(NamedTuple):
    """A keyword met in a list of tokens, over ``tokens[first:last]``."""

    keyword: Keyword
    first: int
    last: int


def fold(text: str) -> str:
    """Lower case without accents; every character keeps its place."""
    return text.translate(_FOLD)


def tokens_of(word: str) -> tuple[Token, ...]:
    """The tokens of one word or phrase."""
    return _tokens_of(word) if len(word) <= LONG else _tokens_of.__wrapped__(word)


@lru_cache(maxsize=32_768)
def _tokens_of(word: str) -> tuple[Token, ...]:
    found = []
    for match in _TOKEN.finditer(fold(word)):
        text = match.group()
        if text in _NUMBER_WORDS or text.replace(" ", "") in _NUMBER_WORDS:
            text = "n°"
        elif text[0].isdigit() or any(c.isdigit() for c in text):
            text = "#"
        elif "." in text:
            text = text.replace(".", "")
        elif len(text) <= SHORT and _inside(match):
            text = "-" + text
        found.append(Token(text, match.start(), match.end()))
    return tuple(found)


def _inside(match: re.Match[str]) -> bool:
    """Whether the word is a part of a longer code (``DGA-HT``)."""
    text, before, after = match.string, match.start() - 1, match.end()
    return (before >= 0 and text[before] in "-_.") or (text[after : after + 1] in ("-", "_") and after + 1 < len(text))


class _Node:
    __slots__ = ("children", "keyword")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.keyword: Keyword | None = None


def _entries() -> Iterator[Keyword]:
    for field in _YAML_FIELDS:
        for text in keywords.words(field):
            if text not in _LEFT_OUT.get(field, ()):
                yield Keyword(field, 2, text)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    own = yaml.load(Path(__file__).with_name("words.yaml").read_bytes(), Loader=loader)
    for field, ranks in own.items():
        for rank, texts in ranks.items():
            for text in texts:
                for phrase in _spelled_out(text):
                    yield Keyword(field, rank, phrase)


def _spelled_out(text: str) -> Iterator[str]:
    """``{Total|Montant} HT`` as *Total HT* and *Montant HT*."""
    choice = _CHOICE.search(text)
    if choice is None:
        yield text
        return
    for word in choice.group(1).split("|"):
        yield from _spelled_out(text[: choice.start()] + word + text[choice.end() :])


def _tree(entries: Iterable[Keyword]) -> _Node:
    root = _Node()
    for keyword in entries:
        node = root
        tokens = tokens_of(keyword.text)
        for index, token in enumerate(tokens):
            due = keyword.text[token.start : token.end].lower() == "dû"  # no small word, though *du* is one
            if token.text in _SMALL and 0 < index < len(tokens) - 1 and not due:
                continue
            node = node.children.setdefault(token.text, _Node())
        node.keyword = keyword
    return root


_ROOT = _tree(_entries())


def find(tokens: list[Token]) -> list[Found]:
    """The keywords in ``tokens`` from left to right, the longest at each place, without overlap."""
    found: list[Found] = []
    at = 0
    start = _ROOT.children
    while at < len(tokens):
        if tokens[at].text in start:
            match = _longest(tokens, at)
            if match is not None:
                found.append(match)
                at = match.last
                continue
        at += 1
    return found


def _longest(tokens: list[Token], first: int) -> Found | None:
    """The longest keyword from ``first`` on. A small word may be part of it (*Montant dû*) or not (*Montant du…*)."""
    best: Found | None = None
    paths = [(_ROOT.children[tokens[first].text], first + 1, first + 1)]
    while paths:
        node, at, end = paths.pop()
        if node.keyword is not None and (best is None or end > best.last):
            best = Found(node.keyword, first, end)
        if at < len(tokens):
            following = node.children.get(tokens[at].text)
            if following is not None:
                paths.append((following, at + 1, at + 1))
            if tokens[at].text in _SMALL:
                paths.append((node, at + 1, end))
    return best
