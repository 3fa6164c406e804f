"""What the demo remembers between two starts, in ``demo.json`` beside the data: accounts, secrets, what is made."""

import os
from pathlib import Path
from threading import Lock
from typing import Final, Literal

import msgspec
import pyotp

from deploy.demo.people import Person

FILE: Final = "demo.json"


class Account(msgspec.Struct):
    """An account of the demo; ``totp`` is the secret of its second factor."""

    subject: str
    totp: str | None = None


class Software(msgspec.Struct):
    """An account of software, with its secret."""

    client_id: str
    client_secret: str


class Kept(msgspec.Struct):
    """``steps``: what is made already, by name, and is not made again."""

    accounts: dict[str, Account] = {}
    software: Software | None = None
    steps: dict[str, Literal["begun", "done"]] = {}


class Book:
    """The file. Its secrets open nothing but the demo, and only its owner reads it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._lock = Lock()
        self.kept = msgspec.json.decode(self._file.read_bytes(), type=Kept) if self._file.exists() else Kept()

    def save(self) -> None:
        """Write it down before anything depends on it."""
        part = self._file.with_suffix(".part")
        descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            target.write(msgspec.json.format(msgspec.json.encode(self.kept)))
        os.replace(part, self._file)

    def note(self, person: Person, account: Account) -> None:
        """Remember an account."""
        with self._lock:
            self.kept.accounts[person.key] = account
            self.save()

    def mark(self, step: str, state: Literal["begun", "done"]) -> None:
        """Remember how far a step is."""
        self.kept.steps[step] = state
        self.save()

    def subject(self, key: str) -> str:
        """The subject of an account of the demo."""
        return self.kept.accounts[key].subject


def otpauth(secret: str, email: str) -> str:
    """What an application of one-time passwords reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Chorale")


def code(secret: str) -> str:
    """The code of this moment."""
    return pyotp.TOTP(secret).now()
