"""A depositor's flows as CSV: where each stands, and how many of its invoices became what."""

from collections.abc import Mapping
from typing import Final

from invoice.sandbox import mark
from services.common.table_csv import text
from services.ingest.flow_domain import LABELS, Flow, Outcome, receivable
from services.ingest.list_csv import Row

FILE: Final = "flux.csv"
HEAD: Final = (
    "id",
    "fichier",
    "envoye_le",
    "recu_le",
    "termine_le",
    "etat",
    "libelle_etat",
    "recevable",
    "type",
    "taille_octets",
    "factures",
    "deposees",
    "a_verifier",
    "non_integrees",
    "deja_deposees",
    "fichiers_laisses",
    "en_attente",
    "mention",
)
#: The counts, in the order of their columns.
_COUNTED: Final = (
    Outcome.INTEGRATED,
    Outcome.TO_VERIFY,
    Outcome.REJECTED,
    Outcome.DUPLICATE,
    Outcome.IGNORED,
    "waiting",
)


def row(flow: Flow, counts: Mapping[str, int]) -> Row:
    """A flow, its cells in the order of ``HEAD``."""
    instants = (flow.begun_at, flow.received_at, flow.finished_at)
    cells = [
        flow.id,
        text(flow.file_name),
        *("" if at is None else at.isoformat(timespec="seconds") for at in instants),
        flow.state.value,
        LABELS[flow.state],
        receivable(flow) or "",
        flow.kind or "",
        "" if flow.size is None else flow.size,
        flow.items,
        *(counts.get(outcome, 0) for outcome in _COUNTED),
        mark(flow.sandbox) or "",
    ]
    return Row(flow.id, cells)
