"""The files of a folder."""

import hashlib
import json
from datetime import UTC, datetime
from uuid import uuid4
from xml.etree import ElementTree

from services.notify.outgoing_format import Line, file_name, manifest, write
from services.notify.outgoing_worker import before_today
from services.notify.webhook_rules import Known
from tests.unit.notify.samples import BODY, NOON, REASON, changed, draft
from tests.unit.notify.test_webhook_rules import known


def lines(*data: object) -> list[Line]:
    return [Line(known(one, uuid4()), "body") for one in data]


def test_a_json_file_has_one_event_a_line_in_order() -> None:
    given = lines(changed("DEPOSEE", 1), changed("REJETEE", 2))
    written = write("jsonl", BODY, "name", NOON, given)
    found = [json.loads(line) for line in written.content.decode().splitlines()]
    assert [event["id"] for event in found] == [str(line.event.id) for line in given]
    assert [event["data"]["entry"] for event in found] == [1, 2]


def test_a_status_file_says_each_status_by_its_code_and_names_what_it_cannot_say() -> None:
    odd = changed("REJETEE", 2, invoice_number="F&<1>", reasons=(REASON,), recipient_name="Mairie \x07 d'Aix")
    given = lines(changed("MISE_A_DISPOSITION", 1), odd, changed("ABANDONNEE", 3), draft())
    written = write("cppstatut", BODY, "name", NOON, given)
    root = ElementTree.fromstring(written.content)
    assert [s.findtext("IdStatut") for s in root.findall("Statut")] == ["03", "05"]
    second = root.findall("Statut")[1]
    assert second.findtext("IdFacture") == "F&<1>"
    assert second.findtext("ComplementStatut") == "SERVICE_UNKNOWN"
    assert second.findtext("Horodatage") == "2026-03-02T13:00:00+01:00"
    assert second.findtext("Fournisseur/Identifiant") == "99900001100018"
    assert second.findtext("Debiteur/Nom") == "Mairie   d'Aix"
    assert written.left_out == (given[2].event.id, given[3].event.id)


def test_the_same_plan_always_makes_the_same_bytes() -> None:
    given = lines(changed(), changed("REJETEE", 3))
    for format in ("jsonl", "cppstatut"):
        assert write(format, BODY, "n", NOON, given) == write(format, BODY, "n", NOON, given)


def test_names_sort_as_their_numbers_and_the_manifest_tells_the_one_before() -> None:
    names = [file_name("jsonl", BODY, n) for n in (1, 2, 10, 100)]
    assert names == sorted(names)
    assert names[0] == f"CHORALE_{BODY}_000000000000001.jsonl"
    written = write("jsonl", BODY, names[0], NOON, lines(changed()))
    digest = hashlib.sha256(written.content).hexdigest()
    told = json.loads(manifest(names[1], 2, NOON, 1, written, digest))
    assert (told["sha256"], told["previous_sequence"], told["size"]) == (digest, 1, len(written.content))
    assert json.loads(manifest(names[0], 1, NOON, 1, written, digest))["previous_sequence"] is None


def test_a_day_begins_in_paris() -> None:
    assert before_today(datetime(2026, 3, 2, 23, 30, tzinfo=UTC)) == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert before_today(datetime(2026, 7, 1, 21, 30, tzinfo=UTC)) == datetime(2026, 6, 30, 22, 0, tzinfo=UTC)


def test_an_event_of_a_type_to_come_is_left_out_of_a_status_file() -> None:
    test = Line(Known(id=uuid4(), type="fr.chorale.webhook.test.v1", subject="s", time=NOON, data="{}"), "body")
    assert write("cppstatut", BODY, "n", NOON, [test]).left_out == (test.event.id,)
