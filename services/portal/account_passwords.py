"""Passwords: what is refused (decisions.md 22), how strong one is, and Argon2id in a few threads of low priority.

Hashing is made to cost: at the recommended cost one takes a twentieth of a second of a core and 46 MiB. So few run at
once, others wait, beyond a bound they are told to come again, and the scheduler prefers everything else.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import prod
from typing import Final, Literal, TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from zxcvbn import zxcvbn
from zxcvbn.matching import L33T_TABLE, relevant_l33t_subtable

from services.common.web import Problem
from services.portal import account_metrics
from services.portal.settings import PortalSettings

T = TypeVar("T")
LEAST: Final = 12
MOST: Final = 256
#: zxcvbn reads no further, since its time grows faster than the text; what follows only adds.
_READ: Final = 40
#: zxcvbn reads signs as letters in every way there is; beyond so many it would read for seconds.
_WAYS: Final = 8
_MARKS: Final = str.maketrans("@([{<!|$+%", "*,;:?&#=-~")
#: Fewer guesses than this, and it is on a list or made of what is.
_COMMON_GUESSES: Final = 10**6
#: What French keyboards and habits add to the English lists of zxcvbn.
_FRENCH: Final = [
    "azerty",
    "azertyuiop",
    "azertyuiopqsdfghjklm",
    "qsdfghjklm",
    "wxcvbn",
    "motdepasse",
    "mdp",
    "bonjour",
    "soleil",
    "chouchou",
    "doudou",
    "loulou",
    "jetaime",
    "bienvenue",
    "bienvenu",
    "marseille",
    "toulouse",
    "bordeaux",
    "france",
    "facture",
    "factures",
    "chorus",
    "choruspro",
    "chorale",
    "mairie",
    "departement",
    "comptable",
    "administrateur",
    "entreprise",
    "fournisseur",
    "nicolas",
    "camille",
    "julien",
    "thomas",
]
Strength = Literal["refused", "fair", "good", "strong"]
_SAID: Final[Mapping[int, tuple[Strength, str]]] = {
    2: ("fair", "Mot de passe moyen."),
    3: ("good", "Bon mot de passe."),
    4: ("strong", "Très bon mot de passe."),
}


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """``refusal``: the code of the rule that refuses it, None when it may be used. ``score`` from 0 to 4."""

    strength: Strength
    score: int
    refusal: str | None
    message: str


class Passwords:
    """``verify`` takes as long for an account without a password, or for none."""

    def __init__(self, settings: PortalSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.password_passes,
            memory_cost=settings.password_kib,
            parallelism=settings.password_lanes,
        )
        nice = settings.password_nice
        self._threads = ThreadPoolExecutor(
            settings.password_threads, thread_name_prefix="password", initializer=partial(_step_back, nice)
        )
        self._room = settings.password_threads + settings.password_waiting
        self._inside = 0
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """What is stored. Raises a 503 problem when too many wait."""
        return await self._run(partial(self._hasher.hash, password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the one. Raises a 503 problem when too many wait."""
        same = await self._run(partial(_same, self._hasher, stored or self._nobody, password))
        return same and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether it was hashed at another cost than is asked for now."""
        return self._hasher.check_needs_rehash(stored)

    async def judge(self, password: str, own: Sequence[str] = ()) -> Judgement:
        """What is thought of it; ``own`` are words of its owner (address, name). Raises a 503 problem."""
        return await self._run(partial(judge, password, own))

    async def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._inside >= self._room:
            raise Problem(
                503,
                "SIGN_IN_BUSY",
                "Trop de connexions à la fois",
                "La plateforme vérifie déjà beaucoup de mots de passe : recommencez dans quelques secondes.",
                headers={"Retry-After": "5"},
            )
        self._inside += 1
        try:
            with account_metrics.PASSWORD_SECONDS.time():
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._inside -= 1


def judge(password: str, own: Sequence[str] = ()) -> Judgement:
    """At least 12 characters, none of the common ones, nothing that is only the owner's own words. No composition."""
    if len(password) < LEAST:
        return _refused(
            "PASSWORD_SHORT", f"Il faut au moins {LEAST} caractères ; une phrase de quelques mots convient."
        )
    if len(password) > MOST:
        return _refused("PASSWORD_LONG", f"Il faut au plus {MOST} caractères.")
    words = [part for text in own for part in (text, *_parts(text)) if len(part) > 2]
    found = zxcvbn(read(password), user_inputs=[*words, *_FRENCH])
    if found["guesses"] < _COMMON_GUESSES:
        return _refused(
            "PASSWORD_COMMON",
            "Ce mot de passe est parmi les plus répandus, ou fait de mots que l'on essaie d'abord (le vôtre, des "
            "suites de touches, des répétitions) : choisissez quelques mots sans rapport entre eux.",
            int(found["score"]),
        )
    score = int(found["score"])
    strength, said = _SAID[max(2, score)]
    return Judgement(strength=strength, score=score, refusal=None, message=said)


def read(password: str) -> str:
    """What zxcvbn reads of it: marks that could stand for too many letters at once are marks that stand for none."""
    text = password[:_READ]
    ways = prod(len(signs) for signs in relevant_l33t_subtable(text, L33T_TABLE).values())
    return text if ways <= _WAYS else text.translate(_MARKS)


def demand(judged: Judgement, field: str = "password") -> None:
    """Raises a 422 problem for a password that may not be used. It never repeats it."""
    if judged.refusal is None:
        return
    error = {
        "field": field,
        "value": None,
        "rule": judged.refusal,
        "message": judged.message,
        "action": "Choisissez un autre mot de passe.",
    }
    raise Problem(422, judged.refusal, "Mot de passe refusé", judged.message, errors=[error])


def _refused(code: str, message: str, score: int = 0) -> Judgement:
    return Judgement(strength="refused", score=score, refusal=code, message=message)


def _parts(text: str) -> list[str]:
    for mark in "@.-_+ '":
        text = text.replace(mark, " ")
    return text.split()


def _same(hasher: PasswordHasher, stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def _step_back(nice: int) -> None:
    """Linux gives each thread a priority of its own, and Argon2's lanes inherit that of the thread that starts them."""
    if nice and hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
