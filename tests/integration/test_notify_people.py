"""What people decide about their mail, and whose addresses they may touch."""

from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from deploy.database import ServiceDsns
from invoice.model import Party, Works
from services.common.auth import Principal
from services.notify import tokens
from services.notify.addresses import Manager
from tests.integration.notify_service import (
    OPERATOR,
    SECRET,
    Tables,
    chores,
    client,
    relay,
    settled,
    tables,
    worker,
    written,
)
from tests.integration.tenant_world import directory
from tests.unit.notify.samples import BODY, CONTACT, SUPPLIER, changed, draft, refused, reminded
from tests.unit.status.samples import event, submitted

API = "/api/v1/messages"
OTHER = "22310001700423"
ME = Principal(subject="user-1", contact=CONTACT)


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


async def test_a_choice_holds_for_what_is_optional_and_never_for_what_is_mandatory(found: Tables) -> None:
    async with client(found, ME) as http:
        answer = await http.put(f"{API}/preferences", json={"kinds": {"*": "off"}, "language": "en"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["every_kind"] == "off"
        refusal = await http.put(f"{API}/preferences", json={"kinds": {"REJETEE": "off", "NONE": "off"}})
        assert [(e["field"], e["rule"]) for e in refusal.json()["errors"]] == [
            ("kinds.REJETEE", "KIND_MANDATORY"),
            ("kinds.NONE", "KIND_UNKNOWN"),
        ]
    invoice = uuid4()
    await found.take(
        event(submitted(), invoice),
        event(changed("MISE_EN_PAIEMENT", 5), invoice),
        event(changed("REJETEE", 6), invoice),
        event(draft(), uuid4()),
        event(refused(), uuid4()),
    )
    assert await written(found) == {("REJETEE", CONTACT, "created"), ("DEPOSIT_REFUSED", CONTACT, "created")}
    assert await found.pool.fetchval("select count(*) from message where language = 'en'") == 2
    async with client(found, ME) as http:
        await http.put(f"{API}/preferences", json={"kinds": {"*": None, "MISE_EN_PAIEMENT": "daily"}})
        shown = (await http.get(f"{API}/preferences")).json()
        assert (shown["every_kind"], shown["language"], shown["undeliverable"]) == (None, "en", False)
    await found.take(event(changed("MISE_EN_PAIEMENT", 7), invoice))
    assert ("MISE_EN_PAIEMENT", CONTACT, "held") in await written(found)


async def test_a_link_in_a_mail_ends_its_kind_by_one_post_and_not_by_being_opened(found: Tables) -> None:
    async with relay() as smtp, worker(found, smtp.port):
        await found.take(event(draft(), uuid4()), event(refused(), uuid4()))
        await settled(found)
    links = [m["List-Unsubscribe"] for m in smtp.mails]
    [link] = [str(one).strip("<>") for one in links if one]
    path = link.removeprefix("https://factures.example")
    async with client(found, Principal(subject="nobody")) as http:
        http.headers.pop("Authorization")
        page = await http.get(path)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert CONTACT in page.text
        assert await found.pool.fetchval("select count(*) from person") == 0
        assert (await http.post(path, content=b"List-Unsubscribe=One-Click")).status_code == 200
        forged = path[:-3] + ("aaa" if not path.endswith("aaa") else "bbb")
        assert (await http.post(forged)).json()["code"] == "LINK_INVALID"
    await found.take(event(draft(file_name="other.pdf"), uuid4()))
    assert await found.pool.fetchval("select count(*) from message") == 2


async def test_the_link_of_a_digest_ends_whatever_was_chosen_and_nothing_mandatory(found: Tables) -> None:
    async with client(found, ME) as http:
        chosen = {"kinds": {"DRAFT_SAVED": "daily", "MISE_EN_PAIEMENT": "at_once"}}
        assert (await http.put(f"{API}/preferences", json=chosen)).status_code == 200
        token = tokens.sign(SECRET, "unsubscribe", CONTACT, "*")
        assert (await http.post(f"{API}/unsubscribe?token={token}")).status_code == 200
    await found.take(event(draft(), uuid4()), event(refused(), uuid4()))
    assert await written(found) == {("DEPOSIT_REFUSED", CONTACT, "created")}


async def test_what_was_decided_about_an_address_holds_however_it_is_written(found: Tables) -> None:
    local, _, domain = CONTACT.partition("@")
    async with client(found, ME) as http:
        await http.put(f"{API}/preferences", json={"kinds": {"*": "off"}})
    await found.take(event(draft(contact=f" {local}@{domain.upper()}"), uuid4()))
    assert await written(found) == set()


async def test_a_dead_address_lives_again_once_somebody_registers_or_confirms_it(found: Tables) -> None:
    manager = Manager(siret=BODY, name="C", email="c@dept.example")
    await found.load(manager)
    for address in (manager.email, "bureau@neuf.example"):
        await found.pool.execute(
            "insert into person (address, dead_at, dead_reason) values ($1, now(), '5.1.1')", address
        )
    dead = "select address from person where dead_at is not null order by address"
    await chores(found).revive()
    assert [row[0] for row in await found.pool.fetch(dead)] == ["bureau@neuf.example", manager.email]
    await found.load(manager)
    async with client(found, ME) as http:
        await http.put(f"{API}/contact", json={"email": "bureau@neuf.example"})
        await chores(found).confirm()
        await chores(found).revive()
        assert [row[0] for row in await found.pool.fetch(dead)] == ["bureau@neuf.example"]
        assert ("CONTACT_CONFIRM", "bureau@neuf.example", "created") in await written(found)
        token = tokens.sign(SECRET, "contact", ME.subject, "bureau@neuf.example")
        assert (await http.post(f"{API}/contact/confirm?token={token}")).status_code == 200
    await chores(found).revive()
    assert await found.pool.fetch(dead) == []


async def test_a_contact_address_counts_once_whoever_reads_there_has_said_so(found: Tables) -> None:
    async with client(found, ME) as http:
        answer = await http.put(f"{API}/contact", json={"email": "Bureau@Neuf.example"})
        assert (answer.status_code, answer.json()) == (202, {"address": CONTACT, "waiting": "Bureau@neuf.example"})
        again = await http.put(f"{API}/contact", json={"email": "quelquun@dautre.example"})
        assert (again.status_code, again.headers["Retry-After"]) == (429, "300")
        assert again.json()["code"] == "CONTACT_TOO_SOON"
        await found.take(event(draft(), uuid4()))
        assert ("DRAFT_SAVED", CONTACT, "created") in await written(found)
        for _ in range(2):
            await chores(found).confirm()
        assert sum(kind == "CONTACT_CONFIRM" for kind, *_ in await written(found)) == 1
        token = tokens.sign(SECRET, "contact", "user-1", "Bureau@neuf.example")
        path = f"{API}/contact/confirm?token={token}"
        assert (await http.get(path)).status_code == 200
        assert (await http.get(f"{API}/contact")).json()["address"] == CONTACT
        assert (await http.post(path)).status_code == 200
        assert (await http.post(path)).status_code == 410
        assert (await http.get(f"{API}/contact")).json() == {"address": "Bureau@neuf.example", "waiting": None}
    await found.take(event(draft(), uuid4()))
    assert ("DRAFT_SAVED", "Bureau@neuf.example", "created") in await written(found)


async def test_each_structure_and_tenant_edits_its_own_addresses_and_sees_no_other(found: Tables) -> None:
    mine = {"role": "validator", "siret": BODY, "name": "Alix", "email": "alix@dept.example"}
    gers = {"role": "administrator", "tenant": "cd32", "email": "dsi@gers.example"}
    await found.take(*directory())
    elsewhere = Principal(subject="x", structures=(BODY,), tenants=("cd98",), roles=("GESTIONNAIRE",))
    async with client(found, elsewhere) as http:  # a body is one's own in its tenant only
        assert (await http.post(f"{API}/recipients", json=mine)).json()["code"] == "RECIPIENT_NOT_YOURS"
    async with client(
        found, Principal(subject="g", structures=(BODY,), tenants=("cd06",), roles=("GESTIONNAIRE",))
    ) as http:
        made = await http.post(f"{API}/recipients", json=mine)
        assert made.status_code == 201
        assert (await http.post(f"{API}/recipients", json=mine)).json()["id"] == made.json()["id"]
        for foreign in ({**mine, "siret": OTHER}, gers):
            assert (await http.post(f"{API}/recipients", json=foreign)).json()["code"] == "RECIPIENT_NOT_YOURS"
        wrong = await http.post(f"{API}/recipients", json={"role": "moe", "siret": "1", "email": "x"})
        assert [e["rule"] for e in wrong.json()["errors"]] == ["EMAIL_FORM", "SIRET_LENGTH"]
        managers = {"managers": [{"siret": BODY, "name": "C", "email": "c@dept.example"}]}
        assert (await http.put(f"{API}/managers", json=managers)).status_code == 200
        managers["managers"][0]["siret"] = OTHER
        assert (await http.put(f"{API}/managers", json=managers)).json()["code"] == "STRUCTURE_FOREIGN"
    async with client(
        found, Principal(subject="o", structures=(OTHER,), tenants=("cd32",), roles=("TENANT_ADMIN",))
    ) as http:
        assert (await http.get(f"{API}/recipients")).json() == {"recipients": []}
        assert (await http.delete(f"{API}/recipients/{made.json()['id']}")).status_code == 404
        assert (await http.get(f"{API}/managers")).json() == {"managers": []}
        assert (await http.post(f"{API}/recipients", json=gers)).status_code == 201
    async with client(found, OPERATOR) as http:
        assert len((await http.get(f"{API}/recipients")).json()["recipients"]) == 2
        assert (await http.delete(f"{API}/recipients/{made.json()['id']}")).status_code == 204


async def test_nobody_makes_the_platform_write_to_a_crowd(found: Tables) -> None:
    await found.pool.execute(
        "insert into correspondent (role, siret, name, email, changed_by)"
        " select 'supplier', $1, '', n || '@f.example', 's' from generate_series(1, 50) n",
        SUPPLIER,
    )
    async with client(found, Principal(subject="s", structures=(SUPPLIER,))) as http:
        one_more = {"role": "supplier", "siret": SUPPLIER, "email": "more@f.example"}
        answer = await http.post(f"{API}/recipients", json=one_more)
        assert (answer.status_code, answer.json()["code"]) == (409, "RECIPIENTS_TOO_MANY")
        assert (await http.post(f"{API}/recipients", json={**one_more, "role": "validator"})).status_code == 201


async def test_the_api_role_sees_a_person_only_through_his_own_address(found: Tables) -> None:
    async with client(found, ME) as http:
        await http.put(f"{API}/preferences", json={"kinds": {"DRAFT_SAVED": "off"}})
    assert await found.api_pool.fetchval("select count(*) from person") == 0
    assert await found.api_pool.fetchval("select count(*) from contact") == 0
    for statement in (
        "update person set dead_at = now()",
        "select dead_reason from person",
        "insert into proof select * from proof",
        "update message set state = 'accepted'",
        "select * from week_figure",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await found.api_pool.execute(statement)


async def test_validators_are_asked_in_their_turn(found: Tables) -> None:
    first, second, invoice = "99900001100018", "99900002900018", uuid4()
    for siret, email in ((first, "un@v.example"), (second, "deux@v.example")):
        await correspondent(found, "validator", siret, email)
    parties = tuple(Party(siret=siret) for siret in (first, second))
    data = msgspec.structs.replace(submitted(), validators=(first, second), validator_parties=parties)
    await found.take(event(data, invoice), event(changed("A_VALIDER_1", 1), invoice))
    assert await asked(found) == {("A_VALIDER_1", "un@v.example")}
    await found.take(event(changed("A_VALIDER_2", 3), invoice))
    assert await asked(found) == {("A_VALIDER_1", "un@v.example"), ("A_VALIDER_2", "deux@v.example")}


async def asked(found: Tables) -> set[tuple[str, str]]:
    return {(kind, address) for kind, address, _ in await written(found) if address.endswith("@v.example")}


async def test_a_validator_named_in_place_of_another_is_asked_and_reminded_alone(found: Tables) -> None:
    wrong, right, invoice = "99900001100018", "99900002900018", uuid4()
    for siret, email in ((wrong, "faux@v.example"), (right, "juste@v.example")):
        await correspondent(found, "validator", siret, email)
    data = msgspec.structs.replace(submitted(), validators=(wrong,))
    reminder = reminded("validation_reminder", ("validator",), entry=4)
    await found.take(event(data, invoice), event(changed("A_VALIDER_1", 1, validator=wrong), invoice))
    await found.take(event(changed("A_VALIDER_1", 3, validator=right), invoice), event(reminder, invoice))
    assert await asked(found) == {
        ("A_VALIDER_1", "faux@v.example"),
        ("A_VALIDER_1", "juste@v.example"),
        ("VALIDATION_REMINDER", "juste@v.example"),
    }


async def correspondent(found: Tables, role: str, siret: str, email: str) -> None:
    await found.pool.execute(
        "insert into correspondent (role, siret, name, email, changed_by) values ($1, $2, '', $3, 'x')",
        role,
        siret,
        email,
    )


async def test_a_works_piece_is_told_to_those_whom_the_deposit_names(found: Tables) -> None:
    moe, moa, invoice = "99900001100018", "99900002900018", uuid4()
    await correspondent(found, "moe", moe, "oeuvre@v.example")
    await correspondent(found, "moa", moa, "ouvrage@v.example")
    await correspondent(found, "moa", BODY, "other@v.example")
    works = Works(file=str(invoice), moe=Party(siret=moe), moa=Party(siret=moa))
    await found.take(
        event(changed("MISE_A_DISPOSITION_MOE", 1), invoice),  # before what says who that is
        event(msgspec.structs.replace(submitted(), works=works), invoice),
        event(changed("MISE_A_DISPOSITION_MOA", 2), invoice),
        event(reminded("general_account_tacit", ("supplier", "moa"), entry=3), invoice),
    )
    assert await asked(found) == {
        ("MISE_A_DISPOSITION_MOE", "oeuvre@v.example"),
        ("MISE_A_DISPOSITION_MOA", "ouvrage@v.example"),
        ("GENERAL_ACCOUNT_TACIT", "ouvrage@v.example"),
    }
