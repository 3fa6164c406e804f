"""The proof of a notice: what is kept of it is what is shown, and what is exported."""

from services.notify.proof import Proof
from services.notify.proof_api import ProofView


def test_a_proof_is_shown_whole() -> None:
    assert tuple(ProofView.model_fields) == Proof.__struct_fields__
