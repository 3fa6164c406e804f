"""The sandbox: tenants to try things with. Same rules, no effect: what is theirs bears a mark, and nothing leaves.

A tenant is a sandbox by its id, which never changes and which every event carries: no service needs to know more.
"""

from typing import Final

from invoice.findings import Finding
from invoice.messages import finding

PREFIX: Final = "essai-"
MARK: Final = "BAC À SABLE — essai, sans valeur"


def is_sandbox(tenant: str | None) -> bool:
    """Whether this tenant is one to try things with."""
    return tenant is not None and tenant.startswith(PREFIX)


def mark(tenant: str | None) -> str | None:
    """What everything of such a tenant bears."""
    return MARK if is_sandbox(tenant) else None


def crossed(recipient_siret: str) -> Finding:
    """The refusal of what goes from the sandbox to a real body, or the other way."""
    return finding("SANDBOX_CROSSED", value=recipient_siret)


def namespaced(issuer: str, *, sandbox: bool) -> str:
    """Whose numbers are taken: a number that was tried burns none of the same supplier's real ones."""
    return f"{PREFIX}{issuer}" if sandbox else issuer
