"""Everything measured about messages: e-mails, then webhooks."""

from collections.abc import Sequence

from tests.bench import notify_mail, notify_webhooks
from tests.bench.report import Figure


def measure() -> Sequence[Figure]:
    """One after the other, each on servers of its own."""
    return [figure for part in (notify_mail, notify_webhooks) for figure in part.measure()]
