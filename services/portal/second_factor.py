"""A second factor is shown: at sign-in, and by whoever is signed in already. Wrong ones are counted by account.

The lock is told to the account's owner by mail: whoever gets as far as the second factor has the password.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from webauthn import base64url_to_bytes

from services.common import telemetry
from services.common.db import Connection
from services.common.deliver import Tx
from services.common.web import Problem
from services.portal import account_metrics, account_store, factor_store
from services.portal.account_keys import wrapper
from services.portal.account_limits import Limits, locked, show_end
from services.portal.parts import Parts
from services.portal.passkeys import Passkeys, identity_of, wrong_passkey
from services.portal.session_store import Means

_LETTER: Final = UUID("5f3e1f5c-7a0e-5f57-9d0c-0d6d5f1a9b47")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What was given: a code of the application, a recovery code, or what a passkey signed for ``challenge``."""

    totp: str | None = None
    recovery: str | None = None
    credential: dict[str, Any] | None = None
    challenge: str | None = None


class SecondFactors:
    """Checks them."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        self._parts = parts
        self._limits = limits
        self._wrap = wrapper(parts.settings.secret, "second factors")
        self._passkeys = Passkeys(parts.settings)

    async def check(self, tx: Tx, subject: str, shown: Shown, now: datetime) -> Means | Problem:
        """What was shown; or why it is refused, which the caller raises once the count of it is committed.

        The problem is a 401 one, or a 429 one while the lock runs.
        """
        key = self._limits.key("second", subject)
        tried = await self._limits.begin(tx.conn, key, now)
        if tried.locked_until is not None:
            return locked(tried.locked_until, now, second=True)
        means = await self._means(tx.conn, subject, shown, now)
        if means is not None:
            await self._limits.succeeded(tx.conn, key)
            return means
        account_metrics.SIGN_INS.labels(means="second", outcome="refused").inc()
        if tried.locks_until is not None:
            telemetry.logger().info("second_factor.locked", failures=tried.failures)
            await self._tell(tx, subject, tried.locks_until)
        return _wrong()

    async def passkey(self, connection: Connection, challenge: str, credential: dict[str, Any], now: datetime) -> str:
        """Whose passkey has signed. Raises a 422 problem."""
        known = await factor_store.passkey(connection, identity_of(credential))
        if known is None:
            raise wrong_passkey()
        count = self._passkeys.signed(credential, base64url_to_bytes(challenge), known)
        await factor_store.used_passkey(connection, known.id, count, now)
        return known.subject

    async def _means(self, connection: Connection, subject: str, shown: Shown, now: datetime) -> Means | None:
        if shown.totp is not None:
            right = await factor_store.check_totp(connection, self._wrap, subject, shown.totp, now)
            return "totp" if right else None
        if shown.recovery is not None:
            return "recovery" if await factor_store.use_code(connection, subject, shown.recovery, now) else None
        if shown.credential is not None and shown.challenge is not None:
            try:
                owner = await self.passkey(connection, shown.challenge, shown.credential, now)
            except Problem:
                return None
            return "passkey" if owner == subject else None
        return None

    async def _tell(self, tx: Tx, subject: str, until: datetime) -> None:
        """One letter a lock: the lock's end names it."""
        known = await account_store.of(tx.conn, subject)
        if known is None or known.state != "active":
            return
        await self._parts.mailing.letter(
            tx.conn,
            "ACCOUNT_NOTICE",
            address=known.email,
            language=known.language,
            subject=subject,
            values=_words(known.language, show_end(until)),
            now=tx.now,
            id=uuid5(_LETTER, f"{subject}/{until.isoformat()}"),
        )


def _words(language: str, until: str) -> Mapping[str, str]:
    if language == "en":
        return {
            "heading": f"Wrong codes: sign-in suspended until {until}",
            "words": "Several wrong codes were given in place of your account's second factor. Sign-in by password and"
            f" second factor is suspended until {until}; it is then possible again by itself. A passkey still opens"
            " your account.",
            "todo": "Nothing if it was you: try again after that time. If not, somebody knows your password: choose"
            " another one, and look at the list of your sessions.",
        }
    return {
        "heading": f"Codes faux : connexion suspendue jusqu'au {until}",
        "words": "Plusieurs codes faux ont été donnés à la place du second facteur de votre compte. La connexion par"
        f" mot de passe et second facteur est suspendue jusqu'au {until} ; elle reprend ensuite d'elle-même. Une clé"
        " d'accès ouvre toujours votre compte.",
        "todo": "Rien si c'était vous : recommencez après cette heure. Sinon, quelqu'un connaît votre mot de passe :"
        " choisissez-en un autre, et regardez la liste de vos connexions.",
    }


def _wrong() -> Problem:
    return Problem(
        401,
        "SECOND_FACTOR_REFUSED",
        "Second facteur refusé",
        "Ce code ou cette clé ne convient pas : attendez le code suivant, ou prenez un code de secours.",
    )
