"""A process that reads documents and may be killed: ``python -m services.ocr.worker FD PARENT MEGABYTES``.

It talks over one socket: a length of four bytes, then a document; back come a length and a reply, whose first byte
says what follows. It imports nothing of the service, inherits no secret, writes no file and dies with its parent.
"""

import ctypes
import os
import resource
import signal
import socket
import struct
import sys
import traceback
from typing import Final

import msgspec

from services.ocr.reader import read

LENGTH: Final = struct.Struct(">I")
READY: Final = b"+"
READING: Final = b"r"  # followed by the reading as MessagePack
OUT_OF_MEMORY: Final = b"m"
FAILED: Final = b"f"  # a bug; followed by where it happened, without a word of the document

_PR_SET_PDEATHSIG: Final = 1
_encode = msgspec.msgpack.Encoder().encode


def main(arguments: list[str]) -> None:
    """Serve documents until the socket is closed."""
    descriptor, parent, megabytes = (int(argument) for argument in arguments)
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends its workers
    os.closerange(descriptor + 1, 1 << 16)  # nothing of the parent's may be held open
    channel = socket.socket(fileno=descriptor)
    confine(megabytes)
    reply(channel, READY)
    while (data := receive(channel)) is not None:
        reply(channel, *answer(data))


def die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies, whatever it dies of; leave at once if it is dead already."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def confine(megabytes: int) -> None:
    """Bound the memory, forbid files and core dumps, and mute what native code might print of a document."""
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)


def answer(data: bytes) -> tuple[bytes, bytes]:
    """The kind of reply and its body."""
    try:
        return READING, _encode(read(data))
    except MemoryError:
        return OUT_OF_MEMORY, b""
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} in {os.path.basename(last.filename)}:{last.lineno}"
        return FAILED, place.encode()


def receive(channel: socket.socket) -> bytes | None:
    """The next document, or None when the parent has closed the socket."""
    head = _exactly(channel, LENGTH.size)
    if head is None:
        return None
    body = _exactly(channel, LENGTH.unpack(head)[0])
    return None if body is None else bytes(body)


def _exactly(channel: socket.socket, size: int) -> bytearray | None:
    buffer = bytearray(size)
    view, at = memoryview(buffer), 0
    while at < size:
        got = channel.recv_into(view[at:])
        if got == 0:
            return None
        at += got
    return buffer


def reply(channel: socket.socket, kind: bytes, body: bytes = b"") -> None:
    channel.sendall(LENGTH.pack(1 + len(body)) + kind + body)


if __name__ == "__main__":
    main(sys.argv[1:])
