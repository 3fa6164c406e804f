"""A workshop with a manager and what waits for him: requests, papers, a change of SIRET, a program."""

from datetime import UTC, datetime
from urllib.parse import quote

from tests.browser.world import Platform

A = "/api/v1/accounts"
SIRET, SUCCESSOR = "73282932000074", "44306184100047"
NAME = "Charpentes Verdier"
_PAPER = b"%PDF-1.7 a paper"


def workshop(platform: Platform) -> str:
    """The SIRET of a structure that Bruno has proved to be his."""
    known = platform.ask("bruno", "GET", f"{A}/structures")["structures"]
    if not any(each["structure"] == SIRET and each["verified"] for each in known):
        arrive(platform, "bruno")
        platform.ask("otto", "POST", f"{A}/proofs/{send_paper(platform, 'bruno')}/approve")
    return SIRET


def arrive(platform: Platform, who: str) -> None:
    """Somebody deposits for the workshop, without having proved anything."""
    platform.ask(who, "POST", f"{A}/structures", {"identifier": SIRET, "name": NAME})


def send_paper(platform: Platform, who: str) -> str:
    """The id of a paper that somebody has sent for the workshop."""
    asked = {"kind": "KBIS", "dated": datetime.now(UTC).date().isoformat(), "name": "kbis.pdf"}
    headers = {**platform.token(who), "Content-Type": "application/pdf"}
    url = f"{platform.url}{A}/structures/{SIRET}/proofs"
    answer = platform.http.post(url, params=asked, content=_PAPER, headers=headers)
    answer.raise_for_status()
    return str(answer.json()["id"])


def request(platform: Platform, who: str = "rita") -> str:
    """The id of somebody's request to belong to the workshop; made once."""
    workshop(platform)
    known = platform.ask(who, "GET", f"{A}/requests", None)["requests"]
    waiting = [each["id"] for each in known if each["structure"] == SIRET and each["state"] == "asked"]
    if waiting:
        return str(waiting[0])
    given = {"message": "Je tiens les comptes de l'atelier."}
    return str(platform.ask(who, "POST", f"{A}/structures/{SIRET}/requests", given)["id"])


def paper(platform: Platform) -> str:
    """The id of a paper that waits for Bruno; sent once."""
    workshop(platform)
    known = platform.ask("sonia", "GET", f"{A}/proofs")["proofs"]
    if known:
        return str(known[0]["id"])
    arrive(platform, "sonia")
    return send_paper(platform, "sonia")


def succession(platform: Platform) -> str:
    """The id of a change of SIRET that waits for the operator; asked for once."""
    known = platform.ask("bruno", "GET", f"{A}/structures/{workshop(platform)}/successions")["successions"]
    if known:
        return str(known[0]["id"])
    given = {"identifier": SUCCESSOR, "name": "Verdier et filles"}
    return str(platform.ask("bruno", "POST", f"{A}/structures/{SIRET}/successor", given)["id"])


def validator(platform: Platform) -> str:
    """The SIRET of the workshop, for which Bruno validates what its sub-contractors send."""
    workshop(platform)
    at = f"{A}/structures/{SIRET}/members/{quote(_member(platform, 'Bruno'), safe='')}/roles"
    platform.ask("bruno", "PUT", at, {"roles": [{"role": "VALIDATEUR"}]})
    return SIRET


def _member(platform: Platform, name: str) -> str:
    """The subject of somebody at the workshop."""
    members = platform.ask("bruno", "GET", f"{A}/structures/{SIRET}/members")["members"]
    return str(next(each["subject"] for each in members if each["name"].startswith(name)))


def person(platform: Platform) -> str:
    """The page of somebody at the workshop whom Bruno may settle."""
    paper(platform)
    return f"/structures/{SIRET}/personnes/{quote(_member(platform, 'Sonia'), safe='')}"


def program(platform: Platform) -> str:
    """The page of a program of the workshop; made once."""
    at = f"/structures/{workshop(platform)}/logiciels"
    known = platform.ask("bruno", "GET", f"{A}/software?structure={SIRET}")["software"]
    given = {
        "structure": SIRET,
        "name": "Facturation",
        "roles": ["FOURNISSEUR"],
        "scopes": ["deposits.read", "deposits.write"],
    }
    made = known[0] if known else platform.ask("bruno", "POST", f"{A}/software", given)
    return f"{at}/{made['client_id']}"
