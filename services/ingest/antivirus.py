"""Asks clamd about what is uploaded (its INSTREAM command), where one is set up; says that none is where none is."""

import asyncio
from contextlib import suppress
from typing import BinaryIO, Final

from services.common import telemetry
from services.common.failures import Transient
from services.common.web import Problem
from services.ingest import metrics

_CHUNK: Final = 65_536
_SECONDS: Final = 15.0


class AntivirusAway(Transient):
    """The antivirus is set up and does not answer: nothing is taken unseen."""


class AntivirusTooMuch(AntivirusAway):
    """The antivirus does not look at files of this size: waiting changes nothing."""


class Antivirus:
    """One clamd at ``host:port``; an empty address: none, and every file passes."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._place = (host, int(port)) if address else None

    @property
    def set_up(self) -> bool:
        """Whether there is one to ask."""
        return self._place is not None

    async def state(self) -> str:
        """For health: ``absent``, ``present`` or ``unreachable``."""
        if self._place is None:
            return "absent"
        try:
            return "present" if await self._ask([b"zPING\0"]) == "PONG" else "unreachable"
        except AntivirusAway:
            return "unreachable"

    async def clean(self, source: BinaryIO) -> None:
        """Raises the problem of a file in which a virus is found, and :class:`AntivirusAway`. Rewinds the file."""
        name = await self.found(source)
        if name is not None:
            raise _found(name)

    async def found(self, source: BinaryIO) -> str | None:
        """The name of the virus in a file, or None. Raises :class:`AntivirusAway`. Rewinds the file."""
        if self._place is None:
            return None
        source.seek(0)
        answer = await self._ask(source)
        source.seek(0)
        if answer.endswith(" FOUND"):
            name = answer.removeprefix("stream: ").removesuffix(" FOUND")
            telemetry.logger().warning("antivirus.found", virus=name)
            metrics.VIRUSES.inc()
            return name
        if answer != "stream: OK":
            telemetry.logger().error("antivirus.failed", answer=answer[:100])
            raise AntivirusTooMuch(answer[:100]) if "size limit" in answer else AntivirusAway(answer[:100])
        return None

    async def _ask(self, sent: "list[bytes] | BinaryIO") -> str:
        assert self._place is not None
        try:
            async with asyncio.timeout(_SECONDS):
                reader, writer = await asyncio.open_connection(*self._place)
                try:
                    await self._send(writer, sent)
                    return (await reader.read(4096)).decode("utf-8", "replace").strip("\0\n ")
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise AntivirusAway(type(error).__name__) from error

    async def _send(self, writer: asyncio.StreamWriter, sent: "list[bytes] | BinaryIO") -> None:
        if isinstance(sent, list):
            writer.writelines(sent)
            await writer.drain()
            return
        # clamd closes when it has read more than it takes: its answer says so, and is read all the same.
        with suppress(ConnectionError):
            writer.write(b"zINSTREAM\0")
            while chunk := sent.read(_CHUNK):
                writer.write(len(chunk).to_bytes(4, "big") + chunk)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()


def _found(name: str) -> Problem:
    return Problem(
        422,
        "VIRUS_FOUND",
        "Fichier infecté",
        "L'antivirus a reconnu un programme malveillant dans ce fichier : rien n'a été enregistré.",
        errors=[
            {
                "field": "file",
                "value": name[:100],
                "rule": "aucun fichier infecté",
                "message": f"L'antivirus a reconnu « {name[:100]} ».",
                "action": "Faites examiner votre poste, puis produisez le document à nouveau.",
            }
        ],
    )
