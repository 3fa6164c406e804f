"""The motifs that may be given for a status, as ``invoice/data/motifs.yaml`` lists them (decisions.md 11). Pure."""

from collections.abc import Mapping

from invoice import motifs
from services.status.model import Invoice


def offered(invoice: Invoice, status: str | None) -> Mapping[str, str]:
    """Code and label of each motif for ``status``, without those that the body's tenant hides; empty where none is."""
    if status is None:
        return {}
    found = motifs.offered(status, hidden=invoice.policy.hidden_motifs, cadre=invoice.circuit.cadre)
    return {motif.code: motif.label_fr for motif in found}
