"""A receiver of webhooks as a process of its own, which can be killed, and which behaves as its path says.

``python -m tests.integration.webhook_receiver PORT FILE`` appends one JSON line per event taken to FILE, before it
answers: ``{"path", "id", "headers", "body", "taken_at"}``.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

seen: Counter[str] = Counter()
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
#: Answers that are no answers.
BAD = {
    "/broken": b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this",
    "/garbage": b"\x00\x01 no HTTP at all\r\n\r\n",
    "/half-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nab",
    "/closed": b"",
}


class Receiver:
    """Answers as the path says."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab", buffering=0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as long as the other side keeps it."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if not await self._answer(head[0].split(" ")[1], headers, body, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> bool:
        """True when the connection stays open."""
        first, _, rest = path.partition("?")
        kind = "/" + first.split("/")[1]
        seen[f"{path} {headers.get('webhook-id')}"] += 1
        times = seen[f"{path} {headers.get('webhook-id')}"]
        if kind == "/lying" and times == 1:
            writer.write(BAD["/broken"])
            return False
        if kind in BAD:
            writer.write(BAD[kind])
            return False
        if kind in ("/hang", "/slow", "/drip"):
            await _take_time(kind, rest, writer)
        if kind == "/status":
            writer.write(f"HTTP/1.1 {first.split('/')[2]} No\r\ncontent-length: 4\r\n\r\nwhy?".encode())
            return True
        if kind == "/redirect":
            writer.write(b"HTTP/1.1 307 Elsewhere\r\nlocation: /ok\r\ncontent-length: 0\r\n\r\n")
            return True
        self._keep(path, headers, body)
        if kind == "/huge":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
            for _ in range(200):
                writer.write(b"x" * 65536)
                await writer.drain()
            return False
        writer.write(OK)
        return True

    def _keep(self, path: str, headers: dict[str, str], body: bytes) -> None:
        line: dict[str, object] = {
            "path": path,
            "id": headers.get("webhook-id"),
            "headers": headers,
            "body": body.decode(),
        }
        line["taken_at"] = time.time()
        self._file.write(json.dumps(line).encode() + b"\n")


async def _take_time(kind: str, rest: str, writer: asyncio.StreamWriter) -> None:
    if kind == "/hang":
        await asyncio.sleep(3600)
    if kind == "/slow":
        await asyncio.sleep(float(rest or "0.2"))
    if kind == "/drip":
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        for _ in range(600):
            writer.write(b"x")
            await asyncio.sleep(0.1)


async def main() -> None:
    """Listen until killed."""
    port, file = int(sys.argv[1]), Path(sys.argv[2])
    server = await asyncio.start_server(Receiver(file).serve, "127.0.0.1", port, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
