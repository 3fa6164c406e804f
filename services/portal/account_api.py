"""``/api/v1/accounts``: sign-up and passwords without a session. Whether an account exists is said by mail only."""

from typing import Final

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from invoice import hints, structure_identifiers
from invoice.identifiers import InvalidIdentifier
from services.common import clock
from services.common.problems import problems
from services.common.web import Problem
from services.portal import (
    account_me_api,
    account_wishes,
    emails,
    factor_api,
    link_api,
    oidc_api,
    proof_kinds,
    session_api,
    structure,
    structure_directory,
)
from services.portal.account_acts import Acts
from services.portal.account_limits import Limits, network_of
from services.portal.account_models import (
    AskedProof,
    EmailIn,
    SignUpIn,
    StrengthIn,
    StrengthView,
    Taken,
    address,
    error,
)
from services.portal.account_store import Claim
from services.portal.account_wishes import SignUp
from services.portal.member_words import public_body
from services.portal.parts import Parts
from services.portal.session_guard import of_this_site

TAKEN: Final = Taken(
    message="Si cette adresse peut recevoir du courrier, un message vient de lui être envoyé avec la suite. Il arrive "
    "en général dans la minute ; regardez aussi les courriers indésirables."
)


def add_routes(app: FastAPI, parts: Parts) -> None:
    """Serve accounts, sessions and second factors on ``app``."""
    app.state.portal = parts
    limits = Limits(parts.settings)
    acts = Acts(parts, limits)
    router = APIRouter(prefix="/api/v1/accounts", tags=["comptes"], dependencies=[Depends(of_this_site)])
    _add_sign_up(router, parts, limits)
    _add_passwords(router, parts, limits)
    link_api.add_routes(router, parts, acts, limits)
    account_me_api.add_routes(router, parts, acts)
    session_api.add_routes(router, parts, limits)
    factor_api.add_routes(router, parts, acts)
    oidc_api.add_routes(router, parts, acts)
    app.include_router(router)


def _add_sign_up(router: APIRouter, parts: Parts, limits: Limits) -> None:
    @router.get("/identifiers", summary="Les sept identifiants d'une structure, et le justificatif demandé pour chacun")
    async def identifiers() -> list[AskedProof]:
        return [
            AskedProof(
                type=kind,
                label=scheme.label,
                proof_asked=kind != "SIRET",
                proofs={name: paper.label for name, paper in proof_kinds.kinds_for(kind).items()},
            )
            for kind, scheme in structure_identifiers.SCHEMES.items()
        ]

    @router.post(
        "",
        status_code=202,
        summary="Demande un compte",
        description="La réponse est la même que l'adresse ait déjà un compte ou non : la suite vient par courriel.",
        responses=problems(403, 409, 422, 429, 503),
    )
    async def sign_up(given: SignUpIn, request: Request) -> Taken:
        email = address(given.email)
        claim, normalised = _claim(given)
        now = clock.now()
        async with parts.pool.acquire() as connection:
            await limits.sign_up(connection, request)
            await limits.mail(connection, emails.key(email), network_of(request, whole=True))
            body = await structure_directory.body(connection, normalised)
            if given.identifier.type == "SIRET" and body is not None:
                raise public_body(body.name, body.siret)
            wish = SignUp(
                email=email, name=given.name.strip(), language=given.language, claim=claim, normalised=normalised
            )
            await account_wishes.write(connection, "sign_up", email, wish, now)
        parts.wishes.wake()
        return TAKEN


def _claim(given: SignUpIn) -> tuple[Claim, str]:
    """What is said of the structure. Raises a 422 problem for what is no identifier, or lacks its proof."""
    kind, proof = given.identifier.type, given.proof
    try:
        found = structure.identifier(kind, given.identifier.value)
    except InvalidIdentifier as wrong:
        said = (
            "C'est un SIRET : choisissez ce type."
            if wrong.code == "IDENTIFIER_IS_A_SIRET"
            else f"{_named(kind)} : {hints.why(wrong)}."
        )
        raise _refused("identifier.value", given.identifier.value, wrong.code, said) from wrong
    papers = proof_kinds.kinds_for(kind)
    if kind != "SIRET" and proof is None:
        asked = ", ".join(f"{name} ({paper.label})" for name, paper in papers.items())
        raise _refused("proof", None, "PROOF_MISSING", f"Un justificatif est demandé pour ce type : {asked}.")
    if proof is not None and proof.kind not in papers:
        raise _refused("proof.kind", proof.kind, "PROOF_KIND", f"Il faut l'un de ceux-ci : {', '.join(papers)}.")
    claim = Claim(
        identifier_type=kind,
        identifier=given.identifier.value,
        structure_name=given.structure_name.strip(),
        address=given.address.model_dump(),
        proof_kind=proof.kind if proof else None,
        proof_reference=proof.reference if proof else None,
    )
    return claim, found.normalised


def _named(kind: str) -> str:
    return f"Cet identifiant ({structure_identifiers.SCHEMES[kind].label}) ne convient pas"  # type: ignore[index]


def _refused(field: str, value: str | None, rule: str, said: str) -> Problem:
    entry = error(field, value, rule, said, "Corrigez ce champ, puis renvoyez la demande.")
    return Problem(422, rule, "Inscription refusée", said, errors=[entry])


def _add_passwords(router: APIRouter, parts: Parts, limits: Limits) -> None:
    @router.post(
        "/password/strength",
        summary="Dit ce que vaut un mot de passe, pendant qu'on l'écrit ; rien n'en est gardé",
        responses=problems(403, 422, 429, 503),
    )
    async def strength(given: StrengthIn, request: Request, response: Response) -> StrengthView:
        response.headers["Cache-Control"] = "no-store"
        async with parts.pool.acquire() as connection:
            await limits.network(connection, request, times=4)
        judged = await parts.passwords.judge(given.password, given.own)
        return StrengthView(
            strength=judged.strength, score=judged.score, refusal=judged.refusal, message=judged.message
        )

    @router.post(
        "/password/reset",
        status_code=202,
        summary="Demande un nouveau mot de passe, ou de nouveau le courriel d'activation",
        description="La réponse est la même que l'adresse ait un compte ou non.",
        responses=problems(403, 422, 429, 503),
    )
    async def reset(given: EmailIn, request: Request) -> Taken:
        email = address(given.email)
        async with parts.pool.acquire() as connection:
            await limits.network(connection, request)
            await limits.mail(connection, emails.key(email), network_of(request, whole=True))
            await account_wishes.write(connection, "reset", email, None, clock.now())
        parts.wishes.wake()
        return TAKEN
