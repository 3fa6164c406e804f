"""Settings of the routing service."""

from services.common.settings import ServiceSettings


class RoutingSettings(ServiceSettings):
    """``directory_cache``: structures kept in memory; ``import_limit_mb``: the largest directory file taken by HTTP."""

    directory_cache: int = 20_000
    import_limit_mb: int = 32
