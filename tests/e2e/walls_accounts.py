"""People and software with accounts who have nothing to do with a side, and tokens that are worth nothing any more."""

import time
from collections.abc import Mapping

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.events import Grant, Payload
from invoice import rights
from services.common.principal import Principal, of_grants
from tests.accounts import Signer, account, revoked
from tests.documents import SUPPLIER
from tests.e2e.walls import Side

_STRANGER = "73282932000074"
#: Good for everything, were it held where it is tried.
_ALL_SCOPES = tuple(rights.SCOPES)


class Accounts(msgspec.Struct, frozen=True):
    """``strangers``: good tokens by who bears them; ``refused``: headers; ``entries``: what the portal publishes."""

    strangers: Mapping[str, str]
    refused: Mapping[str, str]
    entries: tuple[Payload, ...]


def _rights(side: Side, other: Side) -> Mapping[str, tuple[Grant, ...]]:
    """What each stranger holds: much, and nothing of it on this side of this invoice."""
    return {
        "an account without a right": (),
        "another tenant's administrator": (Grant(role="TENANT_ADMIN", tenant=other.tenant),),
        "the supplier of other things": (
            Grant(role="FOURNISSEUR", structure=_STRANGER),
            Grant(role="COMPTABLE", structure=other.body, tenant=other.tenant),
        ),
        "the body as a supplier, and the accounts of another": (
            Grant(role="FOURNISSEUR", structure=side.body),
            Grant(role="LECTURE", structure=side.body),
            Grant(role="GESTIONNAIRE", structure=other.body, tenant=other.tenant),
            Grant(role="GESTIONNAIRE", structure=side.body, tenant=other.tenant),
        ),
        "another service": (Grant(role="AGENT", structure=side.body, service="AUTRE", tenant=side.tenant),),
        "a guest who was not asked": tuple(
            Grant(role=role, structure=siret)
            for role in ("VALIDATEUR", "MOE", "MOA")
            for siret in (side.body, SUPPLIER.siret or "")
        ),
        "not verified at the same supplier, and a supplier elsewhere": (
            Grant(role="DEPOSANT", structure=SUPPLIER.siret),
            Grant(role="FOURNISSEUR", structure=_STRANGER),
        ),
        "a reader of something else": (
            Grant(role="LECTURE", structure=_STRANGER),
            Grant(role="LECTURE", structure=other.body, tenant=other.tenant),
        ),
        "software of another body": (Grant(role="FINANCE", structure=other.body, tenant=other.tenant),),
    }


def holders(side: Side, other: Side) -> Mapping[str, Principal]:
    """The same people as a service knows them once their token is read."""
    return {who: of_grants("nosy", grants) for who, grants in _rights(side, other).items()}


def accounts(side: Side, other: Side, signer: Signer) -> Accounts:
    """The strangers to ``side``, and headers of a rightful operator's, were they any good."""
    entries: list[Payload] = [signer.entry()]
    strangers = {}
    for number, (who, grants) in enumerate(_rights(side, other).items()):
        subject = f"{signer.kid}-{number}"
        kind = "software" if who.startswith("software") else "person"
        entries.append(account(subject, 1, *grants, kind=kind, scopes=_ALL_SCOPES if kind == "software" else ()))
        strangers[who] = signer.token(subject)
    operates = Grant(role="OPERATEUR")
    good, left, locked = (f"{signer.kid}-{name}" for name in ("good", "left", "locked"))
    entries += [account(good, 1, operates), account(left, 1, operates), account(locked, 1, operates, state="locked")]
    entries.append(revoked(left))
    now = int(time.time())
    claims = {"iss": "chorale", "aud": "chorale", "sub": good, "sid": "s", "ver": 1, "iat": now, "exp": now + 600}
    header = {"kid": signer.kid}
    public = signer.entry().public_key
    refused = {
        "a session that is over": signer.token(left),
        "an account that is locked": signer.token(locked),
        "an account that ended": signer.token(good, iat=now - 700, exp=now - 60),
        "signed by somebody else": jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", header),
        "signed with the public key": jwt.encode(claims, public, "HS256", header),
        "of a key that there is not": Signer().token(good),
        "for somebody else": signer.token(good, aud="x"),
        "without a signature": jwt.encode(claims, "", "none", header),
        "from tomorrow": signer.token(good, iat=now + 86_400, exp=now + 86_500),
    }
    return Accounts(strangers, {who: f"Bearer {token}" for who, token in refused.items()}, tuple(entries))
