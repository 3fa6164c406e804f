"""The table of rights as a page for people: ``python -m invoice.rights_page > docs/rights.md``."""

import sys
from collections.abc import Iterator

from invoice.rights import ACTIONS, ROLES, SCOPES, Action

_HEAD = """# Rights

Written by `python -m invoice.rights_page` from `invoice/data/rights.yaml`, which the services read too.

A right is a role at a place, for a time. Rights held elsewhere count for nothing: who is FOURNISSEUR at A and COMPTABLE
at B is no COMPTABLE at A. They are given in the portal, and every service keeps a replica (`chorale.account.v1`): one
that is withdrawn is gone everywhere in under two seconds, without a new sign-in, and ends the feeds that it kept open.
A delegation has dates; outside them it does not hold.

To whom a thing does not concern it is not there: 404, in the same words as for what does not exist.

## Roles

"""
_PLACES = {
    "structure": "structure",
    "body": "public body",
    "service": "service",
    "tenant": "tenant",
    "platform": "platform",
}
_REACH = {
    "own": "own",
    "structure": "structure",
    "body": "body",
    "service": "service",
    "tenant": "tenant",
    "platform": "all",
}
_TABLE = """
## What each role may do

*own*: what the subject made or receives itself · *structure*: at the structure where the role is held · *body*: the
same, at a public body alone · *service*: in the service for which it is held · *tenant*: in the tenant where it is
held · *all*: everywhere on the platform · *everybody*: any subject, for what is its own. An action marked (r) only
reads.

| Action | What | Who, and how far |
|---|---|---|
"""
_SCOPES = """
## Scopes of software

What a piece of software may ask at all; the rights it was given decide besides. One that ends in `.write` also reads.
How often it may ask: [software.md](software.md#limits).

| Scope | What | Paths under `/api/v1` |
|---|---|---|
"""


def render() -> str:
    """The page."""
    roles = "| Role | Name | Held at | Who |\n|---|---|---|---|\n" + "".join(
        f"| `{code}` | {role.label} | {', '.join(_PLACES[place] for place in role.at)} | {role.who} |\n"
        for code, role in ROLES.items()
    )
    actions = "".join(
        f"| `{code}`{' (r)' if action.reads else ''} | {action.label} | {', '.join(_who(action))} |\n"
        for code, action in ACTIONS.items()
    )
    scopes = "".join(
        f"| `{code}` | {scope.label} | {', '.join(f'`{path}`' for path in scope.paths)} |\n"
        for code, scope in SCOPES.items()
    )
    return _HEAD + roles + _TABLE + actions + _SCOPES + scopes


def _who(action: Action) -> Iterator[str]:
    if action.anybody:
        yield "everybody: own"
    for role, reach in action.by.items():
        yield f"{role}: {_REACH[reach]}"


if __name__ == "__main__":
    sys.stdout.write(render())
