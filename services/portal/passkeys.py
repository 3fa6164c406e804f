"""Passkeys by py_webauthn: what a browser is asked, and whether what it answers holds."""

from collections.abc import Sequence
from typing import Any

import msgspec
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from services.common.web import Problem
from services.portal.factor_store import Passkey
from services.portal.settings import PortalSettings

#: What the library raises on what no browser would send.
_TROUBLES = (WebAuthnException, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey that a device has made."""

    id: bytes
    public_key: bytes
    sign_count: int
    synced: bool


class Passkeys:
    """Bound to the platform's host. The device always asks for its PIN, finger or face: a passkey is two factors."""

    def __init__(self, settings: PortalSettings) -> None:
        self._host = settings.relying_party
        self._origin = settings.origin

    def ask_new(self, subject: str, email: str, name: str, known: Sequence[Passkey]) -> tuple[dict[str, Any], bytes]:
        """What a browser needs to make one, and the challenge. Not one more on a device that has one."""
        options = generate_registration_options(
            rp_id=self._host,
            rp_name="Chorale",
            user_name=email,
            user_id=subject.encode(),
            user_display_name=name or email,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known],
        )
        return msgspec.json.decode(options_to_json(options)), options.challenge

    def made(self, credential: dict[str, Any], challenge: bytes) -> Made:
        """The passkey that was made. Raises a 422 problem."""
        try:
            found = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _TROUBLES as error:
            raise wrong_passkey() from error
        return Made(
            id=found.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            synced=found.credential_backed_up,
        )

    def ask(self, known: Sequence[Passkey] = ()) -> tuple[dict[str, Any], bytes]:
        """What a browser needs to sign, and the challenge; with none known it offers those it has."""
        options = generate_authentication_options(
            rp_id=self._host,
            allow_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return msgspec.json.decode(options_to_json(options)), options.challenge

    def signed(self, credential: dict[str, Any], challenge: bytes, known: Passkey) -> int:
        """The new count of a passkey that has signed. Raises a 422 problem, also for one that was copied."""
        try:
            found = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=known.public_key,
                credential_current_sign_count=known.sign_count,
                require_user_verification=True,
            )
        except _TROUBLES as error:
            raise wrong_passkey() from error
        return found.new_sign_count


def identity_of(credential: dict[str, Any]) -> bytes:
    """Which passkey a browser says has signed; empty where it says none."""
    try:
        return base64url_to_bytes(str(credential["id"]))
    except (KeyError, ValueError):
        return b""


def wrong_passkey() -> Problem:
    """One answer, whatever is wrong."""
    return Problem(
        422,
        "PASSKEY_REFUSED",
        "Clé d'accès refusée",
        "Cette clé n'est pas reconnue, ou sa réponse ne convient pas : recommencez, ou utilisez un autre moyen.",
    )
