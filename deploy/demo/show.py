"""Prints the demo's result for people, in French."""

import statistics
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.events import InvoiceRouted, InvoiceUnroutable, StatusChanged
from deploy.demo.story import STAGES, Story
from invoice.identifiers import show_siret
from invoice.lifecycle import STATUSES

PARIS = ZoneInfo("Europe/Paris")
ENDS = {
    "duplicate": "Doublon : déjà déposé, rien n'est envoyé deux fois",
    "refused": "Refusé à l'entrée",
    "to_verify": "À vérifier : attend une personne, n'est pas envoyé",
    None: "EN COURS",
}


def document(story: Story, subjects: dict[str, str]) -> None:
    """One document."""
    faults = story.faults()
    mark = "✗" if faults else "✓"
    end = ENDS.get(story.end) or STATUSES[story.end or ""].label_fr
    print(f"\n{mark} {story.path.name}  →  {end}")
    _fields(story)
    _recipient(story)
    _reasons(story)
    _statuses(story)
    _mails(story, subjects)
    for fault in faults:
        print(f"    ✗ {fault}")


def _fields(story: Story) -> None:
    fields = story.deposit.get("fields", [])
    if not fields:
        return
    print("    lu :")
    for item in fields:
        sure = "" if item["confidence"] == "sure" else "  (à confirmer)"
        where = f"p. {item['page']}" if item["page"] else "données"
        print(f"      {item['name']:<18} {item['value']:<22} {where}, « {item['keyword']} »{sure}")


def _recipient(story: Story) -> None:
    routed = story.first(InvoiceRouted)
    if routed and isinstance(routed.data, InvoiceRouted):
        data = routed.data
        service = f", service {data.service_code}" if data.service_code else ""
        label = f" ({data.service_label})" if data.service_label else ""
        print(f"    destinataire : {data.structure_name}, SIRET {show_siret(data.structure_siret)}{service}{label}")
        for finding in data.findings:
            if finding.level == "warn":
                print(f"      attention : {finding.message}")


def _reasons(story: Story) -> None:
    found: list[dict[str, Any]] = [
        f for f in story.deposit.get("findings", []) if story.end in ("refused", "to_verify") and f["level"] != "ok"
    ]
    if story.http_status not in (0, 201):
        found = [{"code": story.answer.get("code"), "message": story.answer.get("detail"), "action": None}]
    unroutable = story.first(InvoiceUnroutable)
    if unroutable and isinstance(unroutable.data, InvoiceUnroutable):
        found += [
            {"code": f.code, "message": f.message, "action": f.action}
            for f in unroutable.data.findings
            if f.level == "refuse"
        ]
    for reason in found:
        print(f"    motif {reason['code']} : {reason['message']}")
        if reason["action"]:
            print(f"      à faire : {reason['action']}")
    if story.end == "duplicate":
        print(f"    premier dépôt : {story.answer['duplicate_of']}")


def _statuses(story: Story) -> None:
    steps = [f"{_clock(story.asked_at)} envoyé"] if story.asked_at else []
    if story.answer.get("received_at"):
        steps.append(f"{_clock(datetime.fromisoformat(story.answer['received_at']))} reçu")
    for event in story.events:
        if isinstance(event.data, StatusChanged):
            steps.append(f"{_clock(event.time)} {STATUSES[event.data.status_to].label_fr}")
    print(f"    statuts : {' · '.join(steps)}")
    delay = story.invoice.get("payment_delay")
    if delay:
        print(f"    délai de paiement : depuis le {delay['started_on']}, échéance le {delay['due_on']}")


def _mails(story: Story, subjects: dict[str, str]) -> None:
    for message in story.messages:
        subject = subjects.get(message["message_id"], message.get("kind", ""))
        print(f"    e-mail {message['state']} : {message['address']} « {subject} »")


def _clock(instant: datetime | None) -> str:
    return instant.astimezone(PARIS).strftime("%H:%M:%S,%f")[:-3] if instant else "?"


def totals(stories: Sequence[Story], seconds: float) -> None:
    """Ends counted, time per stage, rate."""
    counts: dict[str, int] = {}
    for story in stories:
        name = (ENDS.get(story.end) or STATUSES[story.end or ""].label_fr).partition(" : ")[0]
        counts[name] = counts.get(name, 0) + 1
    print(f"\n{len(stories)} documents : " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    mails = [message for story in stories for message in story.messages]
    accepted = sum(message["state"] == "accepted" for message in mails)
    print(f"{len(mails)} e-mails, dont {accepted} acceptés par le serveur")
    print(f"\n  {'étape':<22} {'p50':>9} {'p95':>9}   documents")
    times = [story.seconds() for story in stories]
    for stage in STAGES:
        found = sorted(1000 * time[stage] for time in times if stage in time)
        if found:
            high = found[min(len(found) - 1, int(0.95 * len(found)))]
            print(f"  {stage:<22} {statistics.median(found):>6.0f} ms {high:>6.0f} ms   {len(found)}")
    print(f"\n{len(stories) / seconds:.1f} documents par seconde, du premier envoi à la dernière fin ({seconds:.1f} s)")
