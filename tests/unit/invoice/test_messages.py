"""The table of codes and the code that uses it fit each other."""

import re
from pathlib import Path

import pytest

from invoice.lifecycle import STATUSES
from invoice.messages import CODES, finding, needs
from invoice.suggestions import REASONS

PACKAGE = Path(__file__).resolve().parents[3] / "invoice"
BUILT = {f"{kind}_{suffix}" for kind in ("ENGAGEMENT", "MARKET") for suffix in ("FORMAT", "FORMAT_MATCHES", "SPELLING")}
# InvalidIdentifier codes that callers translate into a finding of their own.
NOT_FINDINGS = {f"{kind}_{what}" for kind in ("SIRET", "SIREN", "VAT") for what in ("LENGTH", "CHECKSUM", "FORM")} | {
    f"{kind}_FORM" for kind in ("FOREIGN", "RIDET", "TAHITI", "OTHER", "PERSON")
}
# Quoted names that are no codes: a service, a country rule and a type of identifier.
OTHER_NAMES = {"FACTURES_PUBLIQUES", "PUBLIC_INVOICES_SERVICE", "FOREIGN_COUNTRY", "HORS_UE"}


def quoted_codes() -> set[str]:
    # These name statuses, regimes and Python's own names, not findings.
    others = {"lifecycle.py", "lifecycle_table.py", "motifs.py", "near.py", "codes.py", "__init__.py"}
    own_words = "clock"  # the payment delay's sentences and remarks are a table of their own, data/clock.yaml
    files = (p for p in PACKAGE.rglob("*.py") if p.name not in others and not p.name.startswith(own_words))
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r'"([A-Z]{3,}(?:_[A-Z]+)+|DOUBLON)"', text))


def test_every_code_of_the_table_is_used_and_every_used_code_is_in_the_table() -> None:
    named = quoted_codes()
    assert sorted(CODES.keys() - named - BUILT) == []
    unknown = named - CODES.keys() - NOT_FINDINGS - OTHER_NAMES - REASONS.keys() - STATUSES.keys()
    assert sorted(code for code in unknown if not code.startswith(("A1_", "A2_", "TVA_"))) == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_row_says_what_was_seen_where_it_comes_from_and_what_to_do(code: str) -> None:
    row = CODES[code]
    assert row.source.startswith(("chorus-pro.md", "decisions.md", "docs/decisions/"))
    assert row.message.rstrip().endswith((".", ")"))
    if row.level in ("warn", "refuse"):
        assert row.action
    words = {place: f"<{place}>" for place in row.places() - {"value"}}
    made = finding(code, value="<value>", field="tax", **words)
    assert made.level == row.level
    for place in row.places():
        assert f"<{place}>" in made.message + (made.action or "")
        assert needs(code, place)


def test_a_word_that_is_missing_or_a_code_that_is_unknown_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        finding("DEST_INC", value="1")
    with pytest.raises(KeyError):
        finding("NO_SUCH_CODE")


def test_what_was_compared_is_kept_only_where_it_differs_from_what_was_written() -> None:
    assert finding("DEST_LOCAL", value="A", normalised="A").normalised is None
    assert finding("DEST_LOCAL", value="a", normalised="A").normalised == "A"


def test_braces_in_a_value_are_only_text() -> None:
    made = finding("CURRENCY_UNKNOWN", value="{label.__class__}")
    assert "{label.__class__}" in made.message
