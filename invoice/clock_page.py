"""The payment delay as a page for people: ``python -m invoice.clock_page > docs/payment-delay.md``."""

import sys

from invoice.clock_shapes import NEW_DELAY_DAYS, SETTLEMENT_DAYS, VALIDATOR_DAYS
from invoice.clock_words import PHRASES, REMARKS
from invoice.interest import INDEMNITY, POINTS, RATES, YEAR_DAYS
from invoice.kinds import KINDS

_TEXT = f"""# The payment delay

Written by `python -m invoice.clock_page` from `invoice/data/clock.yaml`, `kinds.yaml` and `interest.yaml`. The rules
and their articles (Code de la commande publique, read in copies: check the consolidated text before relying on a word)
stand in `invoice/clock.py`; `tests/unit/invoice/clock_cases.yaml` works them out, case by case.

The delay is a fold over the invoice's history: `clock(events, terms)` gives its state, its start with the proof, its
end, the days late, and its story step by step. The order of the events is that of the history's entries; replaying
them gives the same clock. Days are days in Paris.

* Start: the accepted notice to the body; execution when later; the validator's agreement or the end of his
  {VALIDATOR_DAYS} days for sub-contractors; reception by the maître d'œuvre for works, of the general account for a
  balance.
* Interrupted once, before the mandate, while it still runs. Reception of the pieces opens {NEW_DELAY_DAYS} days, or the
  balance if that is more. Lifted without pieces: as if it had not been.
* Recycled in the same structure: it runs on. To another one: anew at its notice (a policy of the tenant).
* Rejection closes it; an invoice already paid and a credit note have none.
* Interest: from the day after the end to the day of payment, that day included, on what is due with tax: amount x
  rate x days / {YEAR_DAYS}, each line rounded to the cent, half up. Rate: the ECB's on the first day of the half-year
  in which interest began, plus {POINTS} points, for all of it. Plus {INDEMNITY} € once; both within {SETTLEMENT_DAYS}
  days of the payment.
* Admitted sums are due; what is disputed earns nothing until it is settled, then from the end of the delay.
"""


def render() -> str:
    """The page."""
    kinds = "".join(f"| `{code}` | {kind.label} | {kind.days} |\n" for code, kind in KINDS.items())
    steps = "".join(
        f"| `{code}` | {row.label} | {row.article} | {'platform' if row.rule == 'ours' else 'law'} | {row.text} |\n"
        for code, row in PHRASES.items()
    )
    remarks = "".join(f"| `{code}` | {text} |\n" for code, text in REMARKS.items())
    rates = "".join(
        f"| {rate.since} | {rate.ecb} | {rate.ecb + POINTS} | {'yes' if rate.verified else 'no'} |\n" for rate in RATES
    )
    return (
        f"{_TEXT}\n## Steps\n\n`{{…}}` is filled in; *platform*: where the law is silent, the rule is ours.\n\n"
        f"| Step | What happened | Article | Rule | What is said |\n|---|---|---|---|---|\n{steps}"
        f"\n## Remarks\n\n| Code | What is said |\n|---|---|\n{remarks}"
        f"\n## Length by kind of body\n\nLess where the body or the contract says so, never more (L2192-10).\n\n"
        f"| Kind | | Days |\n|---|---|---|\n{kinds}"
        f"\n## Rates\n\nA half-year that is not listed takes the last one; the result is then provisional.\n\n"
        f"| Half-year from | ECB, % | Late interest, % | Verified |\n|---|---|---|---|\n{rates}"
    )


if __name__ == "__main__":
    sys.stdout.write(render())
