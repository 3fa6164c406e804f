"""The life of an invoice as a page for people: ``python -m invoice.lifecycle_page > docs/lifecycle.md``."""

import sys
from collections.abc import Iterable, Iterator

from invoice.cadres import CADRES
from invoice.lifecycle_table import ACTORS, POLICIES, STATUSES, TURNS, Table, Transition, afnor, circuit_table
from invoice.motifs import offered
from invoice.policies import Circuit, choose
from invoice.works import PIECES, chains_of

_HEAD = """# The life of an invoice

Written by `python -m invoice.lifecycle_page` from `invoice/data/lifecycle.yaml`, `motifs.yaml` and `cadres.yaml`.
`invoice/policies.py` chooses the circuit, `invoice/lifecycle.py` answers each status event with its table: *apply*,
*already applied*, *not yet*, or *forbidden* with the reason, what is possible now and to whom it falls. What a move
does to the payment delay: [payment-delay.md](payment-delay.md).

Actors: {actors}.

## Which circuit

| Cadre | | Validators | Circuit |
|---|---|---|---|
{cadres}
A tenant's policies: `lifecycle` *strict* (the tables below) or *lenient* (the recipient's statuses in any order;
terminal statuses and actors kept); `refused_a9_goes_on` treats A9 as S3; `recycling_restarts_delay`; `hidden_motifs`.
With one validator the moves to the second fall away, with two those round him.

## Statuses

`EDI` and `AFNOR` are the codes of the two outside languages. *Turn*: who is waited for.

| Status | Label | EDI | AFNOR | Turn | What the supplier is told |
|---|---|---|---|---|---|
"""


def render() -> str:
    """The page."""
    actors = ", ".join(f"{code} {label[:1].lower()}{label[1:]}" for code, label in ACTORS.items())
    parts = [_HEAD.format(actors=actors, cadres=_lines(_cadres())), _lines(_statuses())]
    parts += [_circuit(table) for table in POLICIES.values()]
    parts += ["\n## Added by the lenient mode\n\n", _transitions(_lenient())]
    parts += ["\n## Motifs offered\n\n| Status | Motifs |\n|---|---|\n", _lines(_motifs())]
    parts += ["\n## Works pieces\n\nChains are the platform's reading of the guides (decisions.md 12).\n\n"]
    parts += ["| Piece | | Deposited by | Read by | May be followed by | Chains |\n|---|---|---|---|---|---|\n"]
    parts += [_lines(_pieces())]
    return "".join(parts)


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cadres() -> Iterator[tuple[str, ...]]:
    for code, cadre in CADRES.items():
        least, most = cadre.validators
        found = choose(code, least)
        assert isinstance(found, Circuit)
        count = "–" if most == 0 else str(least) if least == most else f"{least} or {most}"
        yield code, cadre.label, count, f"`{found.name}`"


def _statuses() -> Iterator[tuple[str, ...]]:
    for status in STATUSES.values():
        if not status.hidden:
            turn = TURNS.get(status.code, "–") + (" (S3)" if status.terminal and status.code in TURNS else "")
            codes = (status.edi or "–", afnor(status.code) or "–")
            yield f"`{status.code}`", status.label_fr, *codes, turn, status.explain_fr


def _circuit(table: Table) -> str:
    return f"\n## Circuit `{table.name}`\n\n{_transitions(table.transitions)}"


def _transitions(rows: Iterable[Transition]) -> str:
    head = "| From | To | Who | Motif | Comment | Effect on the delay |\n|---|---|---|---|---|---|\n"
    return head + _lines(
        (
            "–" if row.source is None else f"`{row.source}`",
            f"`{row.target}`",
            ", ".join(row.who),
            row.motif,
            row.comment,
            row.effect.replace("_", " "),
        )
        for row in rows
    )


def _lenient() -> Iterator[Transition]:
    strict = POLICIES["simple"]
    return (t for t in circuit_table("simple", 0, "lenient").transitions if strict.move(t.source, t.target) is None)


def _motifs() -> Iterator[tuple[str, ...]]:
    for status in STATUSES:
        motifs = offered(status)
        if motifs:
            yield f"`{status}`", "; ".join(f"`{motif.code}` {motif.label_fr}" for motif in motifs)


def _pieces() -> Iterator[tuple[str, ...]]:
    for code, piece in PIECES.items():
        chains = ", ".join(chains_of(code))
        yield code, piece.label_fr, piece.by, piece.reader, ", ".join(piece.next) or "–", chains.replace("_", " ")


if __name__ == "__main__":
    sys.stdout.write(render())
