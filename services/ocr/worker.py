"""A process that reads documents and may be killed: ``python -m services.ocr.worker FD PARENT MEGABYTES SECONDS``.

It answers requests over one socket, one after the other (:mod:`services.ocr.answers`). It imports nothing of the
service, inherits no secret, writes no file and dies with its parent.
"""

import ctypes
import math
import os
import resource
import signal
import socket
import sys
import time
import traceback
from typing import Final

import msgspec

from services.ocr.answers import (
    ANSWER,
    DRAW,
    FAILED,
    KNOW,
    LENGTH,
    OUT_OF_MEMORY,
    PLACE,
    READ,
    READ_TEXT,
    READY,
    Picture,
    Whole,
)
from services.ocr.known import Known, known_from
from services.ocr.render import draw
from services.ocr.whole import read_document

_PR_SET_PDEATHSIG: Final = 1
_encode = msgspec.msgpack.Encoder().encode


def main(arguments: list[str]) -> None:
    """Serve requests until the socket is closed."""
    descriptor, parent, megabytes, seconds = (int(argument) for argument in arguments)
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends its workers
    os.closerange(descriptor + 1, 1 << 16)  # nothing of the parent's may be held open
    channel = socket.socket(fileno=descriptor)
    confine(megabytes)
    worker = Worker()
    reply(channel, READY)
    while (request := receive(channel)) is not None:
        spend(seconds)
        reply(channel, *worker.answer(request))


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


def spend(seconds: int) -> None:
    """Allow this much processor time from now on; the kernel ends the process (SIGXCPU) beyond it.

    The limit counts from the process's start in whole seconds, so it is lifted for each request.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + seconds, hard))


class Worker:
    """Answers requests. What it knows of the directory is all it keeps from one to the next."""

    def __init__(self) -> None:
        self._known: Known | None = None

    def answer(self, request: memoryview) -> tuple[bytes, bytes]:
        """The kind of reply and its body."""
        try:
            return ANSWER, _encode(self._answer(bytes(request[:1]), request[1:]))
        except MemoryError:
            return OUT_OF_MEMORY, b""
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} in {os.path.basename(last.filename)}:{last.lineno}"
            return FAILED, place.encode()

    def _answer(self, kind: bytes, body: memoryview) -> Whole | Picture | None:
        if kind in (READ, READ_TEXT):
            return read_document(bytes(body), text_only=kind == READ_TEXT, known=self._known)
        if kind == DRAW:
            return draw(bytes(body[PLACE.size :]), PLACE.unpack(body[: PLACE.size])[0])
        if kind == KNOW:
            self._known = known_from(bytes(body))
            return None
        raise ValueError("unknown request")


def receive(channel: socket.socket) -> memoryview | None:
    """The next request, or None when the parent has closed the socket."""
    head = _exactly(channel, LENGTH.size)
    if head is None:
        return None
    return _exactly(channel, LENGTH.unpack(head)[0])


def _exactly(channel: socket.socket, size: int) -> memoryview | None:
    view, at = memoryview(bytearray(size)), 0
    while at < size:
        got = channel.recv_into(view[at:])
        if got == 0:
            return None
        at += got
    return view


def reply(channel: socket.socket, kind: bytes, body: bytes = b"") -> None:
    channel.sendall(LENGTH.pack(1 + len(body)) + kind + body)


if __name__ == "__main__":
    main(sys.argv[1:])
