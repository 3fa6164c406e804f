"""Become another program that cannot outlive its parent.

``python -I -S launch.py PARENT SIGNAL UID GID PROGRAM ARGUMENT...`` (``-`` for UID and GID: stay who we are).
Runs on its own, before any site-packages: it imports the standard library only.
"""

import contextlib
import ctypes
import os
import struct
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS = 1, 8
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def become(uid: int, gid: int) -> None:
    """Drop root for good, keeping only the right to walk through folders that root alone may enter.

    PostgreSQL refuses to run as root, and a checkout below a closed home folder could not be entered otherwise.
    Best effort: where the kernel or a container withholds the capability, ordinary file modes decide.
    """
    linux = sys.platform == "linux"
    if linux:
        _libc().prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    number = SYS_CAPSET.get(os.uname().machine)
    if linux and number is not None:
        bit = 1 << CAP_DAC_OVERRIDE
        header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION_3, 0))
        wanted = ctypes.create_string_buffer(struct.pack("=6I", bit, bit, bit, 0, 0, 0))
        _libc().syscall(number, header, wanted)
        _libc().prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def die_with(parent: int, signal_number: int) -> None:
    """Ask the kernel for a signal when the parent dies. Must come after the change of user, which clears it."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the parent died before its child was started")


def main(arguments: list[str]) -> None:
    parent, signal_number, uid, gid, *command = arguments
    if uid != "-":
        become(int(uid), int(gid))
    die_with(int(parent), int(signal_number))
    with contextlib.suppress(BrokenPipeError):
        os.execvpe(command[0], command, os.environ)


if __name__ == "__main__":
    main(sys.argv[1:])
