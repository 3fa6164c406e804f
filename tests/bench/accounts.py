"""Accounts: what a token costs each request, and what sign-ins cost everybody else."""

from collections.abc import Sequence

from tests.bench import accounts_signins, accounts_tokens
from tests.bench.report import Figure


def measure() -> Sequence[Figure]:
    """Every figure of accounts."""
    return [*accounts_tokens.measure(), *accounts_signins.measure()]
