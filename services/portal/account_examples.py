"""Examples of answers for the documentation of accounts and sessions. Invented people only."""

from typing import Any, Final

_ID: Final = "0190e8a0-0000-7000-8000-000000000042"
_SUBJECT: Final = "person:6f0c2a9e-0000-4000-8000-000000000042"
_AT: Final = "2026-03-02T09:30:00Z"
_SIGNED: Final[dict[str, Any]] = {
    "state": "signed_in",
    "session": _ID,
    "ticket": None,
    "factors": [],
    "options": None,
    "message": "Vous êtes connecté.",
}
_SECOND: Final[dict[str, Any]] = {
    **_SIGNED,
    "state": "second_factor",
    "session": None,
    "ticket": "kT4…",
    "factors": ["totp", "recovery"],
    "message": "Donnez le code de votre application ou un code de secours.",
}
_ME: Final[dict[str, Any]] = {
    "subject": _SUBJECT,
    "email": "claire@menuiserie.example",
    "name": "Claire Martin",
    "language": "fr",
    "created_at": _AT,
    "session": _ID,
    "has_password": True,
    "second_factors": ["totp"],
    "providers": [],
    "proof_asked": None,
}
_CODES: Final = {"recovery_codes": ["a2bc-d3ef-gh4j-kmn5", "p6qr-s7tu-vw8x-yz92"]}
_PASSKEY: Final[dict[str, Any]] = {
    "ticket": "kT4…",
    "options": {"challenge": "u3Kx…", "rpId": "factures.example", "userVerification": "required"},
}
_A: Final = "/api/v1/accounts"

EXAMPLES: Final[dict[str, Any]] = {
    f"POST {_A}/sessions": _SECOND,
    f"POST {_A}/sessions/second": _SIGNED,
    f"POST {_A}/sessions/passkey": _SIGNED,
    f"POST {_A}/sessions/passkey/options": _PASSKEY,
    f"POST {_A}/sessions/proof": _SIGNED,
    f"DELETE {_A}/sessions/current": {"provider_sign_out": None},
    f"GET {_A}/sessions": [
        {
            "id": _ID,
            "current": True,
            "created_at": _AT,
            "last_used_at": _AT,
            "expires_at": "2026-04-01T09:30:00Z",
            "means": ["password", "totp"],
            "network": "203.0.113.0/24",
            "agent": "Firefox, Linux",
        }
    ],
    f"GET {_A}/me": _ME,
    f"PATCH {_A}/me": _ME,
    f"POST {_A}/me/closing": {
        "erased_at": "2026-04-01T09:30:00Z",
        "message": "Votre compte est fermé. Un courriel dit comment le rouvrir jusqu'à l'effacement de ses données.",
    },
    f"GET {_A}/me/factors": {
        "totp": True,
        "passkeys": [
            {"id": "q83v…", "name": "Téléphone", "synced": True, "made_at": _AT, "last_used_at": None},
        ],
        "recovery_codes_left": 9,
    },
    f"POST {_A}/me/totp": {
        "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "uri": "otpauth://totp/Chorale:claire%40menuiserie.example?secret=JBSWY3DPEHPK3PXP&issuer=Chorale",
    },
    f"POST {_A}/me/totp/confirmation": _CODES,
    f"POST {_A}/me/recovery-codes": _CODES,
    f"POST {_A}/me/passkeys/options": _PASSKEY,
    f"POST {_A}/me/passkeys": {"passkey": "q83v…", **_CODES},
    f"POST {_A}/links": {
        "purpose": "activation",
        "done": True,
        "signed_in": True,
        "message": "Votre compte est ouvert et vous êtes connecté.",
    },
}
