"""What accounts count."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

#: Sign-ins by what came of them: ``signed_in``, ``second_factor`` (asked for), ``refused``, ``locked``.
SIGN_INS: Final = Counter("chorale_portal_sign_ins_total", "Sign-ins", ["means", "outcome"])
#: One password hashed or verified, waiting for its turn included.
PASSWORD_SECONDS: Final = Histogram(
    "chorale_portal_password_seconds", "One password", buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
)
#: What notify has not answered yet, and how long the oldest has waited.
ERRANDS: Final = Gauge("chorale_portal_errands", "Errands that notify has not answered")
ERRANDS_AGE: Final = Gauge("chorale_portal_errands_oldest_seconds", "Age of the oldest errand")
#: Errands that notify refused: a fault of ours.
REFUSED: Final = Counter("chorale_portal_errands_refused_total", "Errands refused", ["code"])
