"""A clamd to test against: the real one where it is installed (with a signature of the test's own), and a double.

Both pass the same contract: ``test_ingest_antivirus.py``. ``CHORALE_TEST_CLAMD`` may name the program.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.processes import free_port

VIRUS = b"CHORALE-TEST-SIGNATURE-0123456789"
LIMIT = 25_000_000


def program() -> str | None:
    """The real clamd, if there is one."""
    return os.environ.get("CHORALE_TEST_CLAMD") or shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin")


@asynccontextmanager
async def real(folder: Path) -> AsyncIterator[str]:
    """clamd itself, which knows one virus. Yields its address."""
    found = program()
    assert found is not None
    port = free_port()
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "test.ndb").write_text(f"Chorale.Test:0:*:{VIRUS.hex()}\n")
    settings = folder / "clamd.conf"
    settings.write_text(
        f"Foreground yes\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {signatures}\n"
        f"StreamMaxLength {LIMIT}\nUser root\n"
    )
    process = await asyncio.create_subprocess_exec(found, "--config-file", str(settings), stdout=-3, stderr=-3)
    try:
        for _ in range(300):
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def double() -> AsyncIterator[str]:
    """What clamd does with PING and INSTREAM, for the one virus."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        serving.add(current)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            command = await reader.readuntil(b"\0")
            if command == b"zPING\0":
                writer.write(b"PONG\0")
            elif command == b"zINSTREAM\0":
                seen = b""
                while size := int.from_bytes(await reader.readexactly(4), "big"):
                    seen += await reader.readexactly(size)
                    if len(seen) > LIMIT:
                        break
                answer = b"Chorale.Test.UNOFFICIAL FOUND" if VIRUS in seen else b"OK"
                writer.write(
                    b"INSTREAM size limit exceeded. ERROR\0" if len(seen) > LIMIT else b"stream: " + answer + b"\0"
                )
            else:
                writer.write(b"UNKNOWN COMMAND\0")
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.gather(*serving)  # no connection outlives the loop that it was made in
