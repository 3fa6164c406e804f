"""Totals and references in every place that a page may give them, known layout or not."""

import pytest

from services.ocr.reader import read
from tests.unit.ocr.papers import paper

TOTALS = {
    "labels over their amounts": """
Total HT
100,00 €
TVA 20 %
20,00 €
Total TTC
120,00 €
""",
    "labels right of their amounts": """
     100,00 €      Total HT
      20,00 €      TVA 20 %
     120,00 €      Total TTC
""",
    "labels under their amounts": """
 100,00 €       20,00 €       120,00 €
 Total HT       Total TVA     Total TTC
""",
    "a row of totals under the rates": """
Taux        Base HT      TVA        TTC
20,00 %     200,00       40,00     240,00
5,50 %      100,00        5,50     105,50
Total       300,00       45,50     345,50
""",
    "a row of totals under columns without a rate": """
              Montant HT      Montant TVA      Montant TTC
TVA 20 %        200,00           40,00           240,00
TVA 5,5 %       100,00            5,50           105,50
TOTAUX          300,00           45,50           345,50
""",
    "a sentence": """
Soit 100,00 € HT, 20,00 € de TVA et 120,00 € TTC
""",
    "one line": """
Total HT : 100,00 € - TVA (20 %) : 20,00 € - Total TTC : 120,00 €
""",
    "cells on one row": """
Total HT | 100,00 | TVA 20% | 20,00 | Total TTC | 120,00
""",
    "columns with their unit": """
Récapitulatif
HT                      TVA                    TTC
EUR                     EUR                    EUR
100,00                  20,00                  120,00
""",
}
REFERENCES = {
    "labels right of their values": """
F-2026-12      N° de facture
12/03/2026     Date de facture
12/04/2026     Échéance
""",
    "labels under their values": """
F-2026-12         12/03/2026           12/04/2026
N° de facture     Date de facture      Échéance
""",
    "one line": """
Facture n° F-2026-12 - Date : 12/03/2026 - Échéance : 12/04/2026
""",
    "a sentence": """
Facture n° F-2026-12 du 12 mars 2026, à régler avant le 12 avril 2026
""",
    "a list with dots": """
N° de facture ............ F-2026-12
Date de facture .......... 12/03/2026
Date d'échéance .......... 12/04/2026
""",
    "bars between cells": """
N° de facture : F-2026-12 | Date de facture : 12/03/2026 | Échéance : 12/04/2026
""",
}


@pytest.mark.parametrize("place", TOTALS)
def test_totals_are_sure_wherever_they_stand(place: str) -> None:
    fields = {field.name: (field.value, field.confidence) for field in read(paper(TOTALS[place])).fields}
    amounts = ("300.00", "45.50", "345.50") if "row of totals" in place else ("100.00", "20.00", "120.00")
    for name, amount in zip(("total_excl_tax", "tax", "total_incl_tax"), amounts, strict=True):
        assert fields.get(name) == (amount, "sure"), name


@pytest.mark.parametrize("place", REFERENCES)
def test_references_are_read_wherever_they_stand(place: str) -> None:
    fields = {field.name: field.value for field in read(paper(REFERENCES[place])).fields}
    shown = {"invoice_number": "F-2026-12", "issue_date": "2026-03-12", "due_date": "2026-04-12"}
    assert {name: fields.get(name) for name in shown} == shown
