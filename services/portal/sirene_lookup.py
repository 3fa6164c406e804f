"""What INSEE's file, where one was loaded, says of an establishment."""

from services.common.db import Connection


async def fields(connection: Connection, siret: str) -> dict[str, str | None]:
    """Name and address to fill in, by field; empty where no file was loaded or the establishment is not in it."""
    row = await connection.fetchrow(
        "select name, street, complement, postal_code, town from sirene_establishment where siret = $1", siret
    )
    return {} if row is None else dict(row)


async def closed(connection: Connection, siret: str) -> bool:
    """Whether the file says that the establishment has closed."""
    found: bool | None = await connection.fetchval("select active from sirene_establishment where siret = $1", siret)
    return found is False
