"""What row-level security reads in portal's tables: the caller's rights, and the structures that he manages."""

from services.common.auth import Principal
from services.common.principal import GESTIONNAIRE


def scope_of(principal: Principal) -> dict[str, str]:
    """The settings of a transaction of the API's role. ``managed_structures``: supplier's and public alike."""
    managed = principal.structures_as(GESTIONNAIRE)
    return {**principal.scope(), "managed_structures": ",".join(managed)}
