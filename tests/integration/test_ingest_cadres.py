"""Each life's deposit through the API: what is given beside the document, whose piece it is, which file it joins."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from contracts.events import DepositRefused, DraftSaved, InvoiceSubmitted, Payload
from deploy.local import Stack
from invoice.directory import Parameters, Structure
from invoice.model import Party, Works
from services.common.auth import Principal
from tests.integration.ingest_world import World, open_world, supplier
from tests.servers import fresh_database
from tests.unit.ingest.samples import (
    RECIPIENT,
    SUPPLIER,
    directory_events,
    event,
    fields,
    pdf,
    read,
    structure_published,
)

VALIDATOR, SECOND = "55208131766522", "35600000000048"
MOE, MOA = "22310001700423", "22060001900024"
THE_MOE = supplier("moe-1", structures=(MOE,), roles=("MOE",))
THE_MOA = supplier("moa-1", structures=(MOA,), roles=("MOA",))
STRANGER = supplier("stranger", structures=(SECOND,), roles=("FOURNISSEUR", "MOE", "MOA"))
CLIENT = Structure(
    siret=MOA, name="Bâtiments", tenant="cd06", kind="budget_annexe", parameters=Parameters(moa_only=True)
)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    """One ingest for all: each test has invoice numbers and documents of its own."""
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns) as found:
        await found.take(*directory_events(), event(MOA, structure_published(structure=CLIENT)))
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


async def life(
    world: World, number: str, given: Mapping[str, str], who: Principal | None = None, **read_values: Any
) -> tuple[UUID, Payload]:
    """Deposit a document with what is given, and have it read; returns its id and what is told of it."""
    content = pdf(f"{number} {sorted(given.items())} {uuid4()}")
    deposit = await world.deposit(content, given=given, principal=who)
    await world.take(event(str(deposit), read(content, fields(invoice_number=number, **read_values))))
    told = [sent.data for sent in await world.sent() if sent.subject == str(deposit)]
    return deposit, told[-1]


async def submitted(world: World, number: str, given: Mapping[str, str], who: Principal | None = None) -> UUID:
    deposit, told = await life(world, number, given, who)
    assert isinstance(told, InvoiceSubmitted), told
    return deposit


async def refused(world: World, number: str, given: Mapping[str, str], who: Principal | None = None) -> list[str]:
    _, told = await life(world, number, given, who)
    assert isinstance(told, DepositRefused), told
    return [reason.code for reason in told.reasons]


ONE, TWO = {"validator_1_siret": VALIDATOR}, {"validator_1_siret": VALIDATOR, "validator_2_siret": SECOND}
LIVES = [
    ({}, "A1", ()), ({"cadre": "A1"}, "A1", ()), ({"cadre": "A9", **ONE}, "A9", (VALIDATOR,)),
    ({"cadre": "A9_FACTURE_SOUSTRAITANT", **TWO}, "A9", (VALIDATOR, SECOND)),
    ({"cadre": "A12", **ONE}, "A12", (VALIDATOR,)),
    ({"cadre": "s3", **ONE}, "S3", (VALIDATOR,)), ({"cadre": "S6", **ONE}, "S6", (VALIDATOR,)),
]  # fmt: skip


async def test_each_simple_or_validated_life_is_submitted_with_its_cadre_and_its_validators(world: World) -> None:
    for index, (given, code, validators) in enumerate(LIVES):
        _, told = await life(world, f"F-{index}", given)
        assert isinstance(told, InvoiceSubmitted)
        assert (told.invoice.cadre_code, told.validators, told.works) == (code, validators, None)
        assert tuple(party.siret for party in told.validator_parties) == validators


async def test_an_invoice_already_paid_is_one_by_choice_too(world: World) -> None:
    _, told = await life(world, "P-1", {"cadre": "A2"}, payable="0.00", prepaid="120.00")
    assert isinstance(told, InvoiceSubmitted)
    assert told.invoice.cadre == "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE"


async def test_the_deposit_shows_what_was_given_and_what_it_became(world: World) -> None:
    given = {"cadre": "A9", "validator_1_siret": "552 081 317 66522", "validator_1_service": "COMPTA"}
    deposit, told = await life(world, "SHOWN-1", given, cadre="A1_FACTURE_FOURNISSEUR", issue_date="2025-10-02")
    shown = (await world.get(f"/{deposit}")).json()
    assert shown["given"]["cadre"] == "A9"
    assert shown["given"]["validators"] == [{"siret": VALIDATOR, "service": "COMPTA"}]
    assert shown["invoice"]["cadre"] == "A9_FACTURE_SOUSTRAITANT"
    assert [found["code"] for found in shown["findings"]] == ["CADRE_GIVEN_DIFFERS"]
    assert isinstance(told, InvoiceSubmitted)
    assert told.validator_parties == (Party(siret=VALIDATOR, service="COMPTA"),)
    assert [warning.code for warning in told.warnings] == ["CADRE_GIVEN_DIFFERS"]


async def test_works_pieces_follow_each_other_in_one_file_each_deposited_by_its_own_party(world: World) -> None:
    first = await submitted(world, "WORKS-1", {"cadre": "A4", "moe_siret": MOE, "moa_siret": MOA})
    both = {"moe_siret": MOE, "moa_siret": MOA, "moa_service": "BAT"}
    second, told = await life(world, "WORKS-1", {"cadre": "A15", **both, "previous_piece": str(first)}, THE_MOE)
    assert isinstance(told, InvoiceSubmitted)
    assert (told.depositor, told.invoice.supplier_siret, told.invoice.cadre_code) == ("moe-1", SUPPLIER, "A15")
    assert told.works == Works(
        file=str(first), previous=str(first), moe=Party(siret=MOE), moa=Party(siret=MOA, service="BAT")
    )
    third = await submitted(
        world, "WORKS-1", {"cadre": "A19", "moa_siret": MOA, "previous_piece": str(second)}, THE_MOA
    )
    # The number is the supplier's, the MOE's and the MOA's in turn, and each is used up once.
    assert await refused(world, "WORKS-1", {"cadre": "A5", "moa_siret": MOA}) == ["DOUBLON"]
    next_month, told = await life(world, "WORKS-2", {"cadre": "A4", "moe_siret": MOE, "works_file": str(third)})
    assert isinstance(told, InvoiceSubmitted)
    assert told.warnings == ()  # the pieces of a file repeat an amount: that is no invoice sent twice
    rows = await world.pool.fetch(
        "select id, works_file, issuer from deposit where works_file = $1 and state = 'submitted' order by id", first
    )
    assert [(row["id"], row["works_file"]) for row in rows] == [
        (each, first) for each in (first, second, third, next_month)
    ]
    assert [row["issuer"] for row in rows] == [SUPPLIER, MOE, MOA, SUPPLIER]


async def test_a_piece_or_a_file_that_is_other_peoples_is_as_unknown_as_none(world: World) -> None:
    first = await submitted(world, "OTHERS-1", {"cadre": "A4", "moe_siret": MOE})
    theirs = {"cadre": "A16", "moe_siret": SECOND}
    for previous in (first, uuid4()):
        assert await refused(world, "X", {**theirs, "previous_piece": str(previous)}, STRANGER) == ["PREVIOUS_UNKNOWN"]
    simple = await submitted(world, "OTHERS-2", {})
    waiting = await world.deposit(pdf("waiting"), given={"cadre": "A4", "moe_siret": MOE})
    for previous in (simple, waiting):
        given = {"cadre": "A16", "moe_siret": MOE, "previous_piece": str(previous)}
        assert await refused(world, "X", given, THE_MOE) == ["PREVIOUS_UNKNOWN"]
    assert await refused(world, "X", {"cadre": "A6", "works_file": str(waiting)}) == ["WORKS_FILE_UNKNOWN"]
    given = {"cadre": "A19", "moa_siret": MOA, "previous_piece": str(first)}
    assert await refused(world, "X", given, THE_MOA) == ["PREVIOUS_UNKNOWN"]  # the A4 does not name this MOA


async def test_a_works_client_only_takes_works_pieces(world: World) -> None:
    _, told = await life(world, "W-1", {"cadre": "A5", "moa_siret": MOA}, recipient_siret=MOA)
    assert isinstance(told, InvoiceSubmitted)
    _, told = await life(world, "W-2", {"cadre": "A9", **ONE}, recipient_siret=MOA)
    assert isinstance(told, DepositRefused)
    assert [reason.code for reason in told.reasons] == ["DEST_MOA_ONLY"]


async def test_a_cadre_that_only_the_file_gives_is_checked_against_who_deposits(world: World) -> None:
    a15 = "A15_ETAT_ACOMPTE_MOE"
    _, told = await life(world, "FILE-1", {}, cadre=a15)
    assert isinstance(told, DepositRefused)
    assert {reason.code for reason in told.reasons} == {
        "CADRE_ROLE", "MOE_MISSING", "MOA_MISSING", "PREVIOUS_MISSING",
    }  # fmt: skip
    _, told = await life(world, "FILE-1", {}, THE_MOE)
    assert isinstance(told, DepositRefused)
    assert "CADRE_ROLE" in [reason.code for reason in told.reasons]


async def test_a_validated_invoice_of_a_supplier_that_may_be_misread_still_waits_for_a_person(world: World) -> None:
    _, told = await life(world, "MISREAD-1", {"cadre": "A9", **ONE}, supplier_siret=SECOND)
    assert isinstance(told, DraftSaved)
    assert "SUPPLIER_NOT_YOURS" in [reason.code for reason in told.reasons]


async def test_a_request_for_direct_payment_takes_no_number_and_a_subcontractors_invoice_does(world: World) -> None:
    for _ in range(2):
        await submitted(world, "DIRECT-1", {"cadre": "S3", **ONE})
    await submitted(world, "DIRECT-1", {"cadre": "A9", **ONE})
    assert await refused(world, "DIRECT-1", {"cadre": "A12", **ONE}) == ["DOUBLON"]


AT_THE_DOOR = [
    ({"cadre": "A3"}, None, "cadre", "CADRE_NOT_SERVED"),
    ({"cadre": "A9"}, None, "validator_1_siret", "VALIDATOR_MISSING"),
    ({"validator_1_siret": "12345678901234"}, None, "validator_1_siret", "PARTY_SIRET_INVALID"),
    ({"cadre": "A15", "moe_siret": MOE, "moa_siret": MOA, "previous_piece": str(uuid4())}, None, "cadre", "CADRE_ROLE"),
    ({"cadre": "A16", "moe_siret": MOE, "previous_piece": str(uuid4())}, STRANGER, "moe_siret", "DEPOSITOR_NOT_MOE"),
    ({"cadre": "A1"}, THE_MOE, "cadre", "CADRE_ROLE"),
]


async def test_what_shows_to_be_wrong_before_the_reading_is_answered_at_once_and_stores_nothing(world: World) -> None:
    before = await world.pool.fetchval("select count(*) from deposit")
    for given, who, field, rule in AT_THE_DOOR:
        answer = await world.post(given=given, principal=who)
        assert (answer.status_code, answer.json()["code"]) == (422, "DEPOSIT_FIELDS_INVALID"), given
        assert (field, rule) in [(error["field"], error["rule"]) for error in answer.json()["errors"]]
        assert all(error["message"] and error["action"] for error in answer.json()["errors"])
    assert await world.pool.fetchval("select count(*) from deposit") == before


async def test_a_misspelt_field_is_refused_rather_than_passed_over(world: World) -> None:
    for given, code in (
        ({"validateur_1_siret": VALIDATOR}, "FIELD_UNKNOWN"),
        ({"cadre": "A" * 2000}, "FIELD_TOO_LONG"),
    ):
        answer = await world.post(given=given)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["errors"][0]["field"] == next(iter(given))


async def test_a_depositor_needs_the_role_of_one(world: World) -> None:
    for roles in (("DESTINATAIRE",), ("VALIDATEUR", "OPERATEUR"), ()):
        assert (await world.post(principal=supplier("x", roles=roles))).status_code == 403


async def test_a_key_belongs_to_the_fields_as_well_as_to_the_document(world: World) -> None:
    content = pdf("a key of its own")
    first = await world.post(content, key="k", given={"cadre": "A9", **ONE})
    again = await world.post(content, key="k", given={"cadre": "a9", "validator_1_siret": "552 081 317 66522"})
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    other = await world.post(content, key="k", given={"cadre": "A12", **ONE})
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_the_documentation_shows_each_field_and_examples_in_french(world: World) -> None:
    document = (await world.client.get("/openapi/ingest.json")).json()
    content = document["paths"]["/api/v1/deposits"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert {"cadre", "validator_2_service", "moe_siret", "moa_siret", "works_file"} <= set(
        content["schema"]["properties"]
    )
    assert all("description" in field for field in content["schema"]["properties"].values())
    assert {"sous-traitant", "travaux"} <= set(content["examples"])
    assert RECIPIENT in str(content["schema"])
