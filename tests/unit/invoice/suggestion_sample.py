"""What is suggested for an address on the demo directory, for tests."""

from typing import Any

from invoice.addressing import Address, Around, decide
from invoice.findings import Suggestion
from invoice.identifiers import normalise
from invoice.suggestions import Facts, suggest
from tests.unit.invoice.sample import DAY, SUPPLIER, demo_directory, services_of

DEMO = demo_directory()
KNOWN = Facts.of(DEMO.structures, {s.siret: services_of(s.siret) for s in DEMO.structures})


def suggested(
    siret: str, known: Facts = KNOWN, *, around: Around | None = None, texts: tuple[str, ...] = (), **written: Any
) -> dict[str, list[Suggestion]]:
    """What is suggested, by the code that failed."""
    address = Address(**{"recipient_siret": siret, "supplier": SUPPLIER, **written})
    recipient = normalise(siret)
    services = known.services(recipient)
    decision = decide(address, known.structure(recipient), services, DAY, around=around)
    found = suggest(address, decision.findings, DAY, known, around=around, texts=texts)
    assert [f.code for f in found] == [f.code for f in decision.findings]
    return {f.code: list(f.suggestions) for f in found if f.suggestions}
