"""``docs/messages.md``, printed from the matrix and the words. Pure."""

from typing import Final

from invoice.lifecycle import STATUSES
from services.notify.letter_examples import facts
from services.notify.letters import LETTERS, values
from services.notify.matrix import RULES, TAKES_OVER, Audience, Rule

_AUDIENCES: Final[dict[Audience, str]] = {
    "supplier": "Fournisseur",
    "validator": "Valideur",
    "body": "Destinataire",
    "moe": "MOE",
    "moa": "MOA",
    "person": "Personne",
}
_CADENCES: Final = {"at_once": "I", "daily": "J", "weekly": "H", "off": "–"}
_HEAD: Final = """# Messages

Printed from `services/notify/matrix.yaml` by `python -m services.notify matrix`; a test keeps it current.
`python -m services.notify preview NAME` prints an example of each (`--html`, `--english`).

**I** at once, **J** daily digest (seven in the morning, Paris), **H** weekly digest (Mondays); **bold**: mandatory, it
cannot be switched off or put off (decisions.md 13). A person may choose at once, daily, weekly or off for every other
kind (`/api/v1/messages/preferences`), and each optional mail carries a link that ends its kind.

The first mandatory notice to an address leaves at once; above ten a minute they are gathered for 60 s at most, every
invoice named, and the acceptance of that mail is the proof for each of them. Optional mail above ten an hour to one
address becomes one digest.

| message | what it says | {audiences} | brought by |
|---|---|{rule}|---|
"""
_TAIL: Final = """
When every address of a body has failed, *mise à disposition* goes to the body's other addresses, then to the tenant's
administrator (`{taken}`); after that the notice on the platform stands alone, with an alarm
(`chorale_notify_taken_over_total{{by="portal"}}`).
"""


def page() -> str:
    """The whole page."""
    rows = [_row(kind, rules) for kind, rules in RULES.items()]
    head = _HEAD.format(audiences=" | ".join(_AUDIENCES.values()), rule="|".join("---" for _ in _AUDIENCES))
    taken = "`, `".join(rule.name for rule in TAKES_OVER.values())
    return head + "\n".join(rows) + "\n" + _TAIL.format(taken=taken)


def _row(kind: str, rules: tuple[Rule, ...]) -> str:
    by_audience = {rule.audience: rule for rule in rules}
    cells = " | ".join(_cell(by_audience.get(audience)) for audience in _AUDIENCES)
    first = LETTERS["fr"][rules[0].name]
    said = STATUSES[kind].label_fr if kind in STATUSES else first.title.render(values(facts(kind), "fr"))
    return f"| `{kind}` | {said} | {cells} | {rules[0].needs} |"


def _cell(rule: Rule | None) -> str:
    if rule is None:
        return ""
    letter = _CADENCES[rule.cadence]
    return f"**{letter}**" if rule.legal else letter
