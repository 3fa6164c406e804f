"""Gauges of what is not known."""

import math
from typing import Any

from services.supervision import metrics
from services.supervision.neighbours import Seen
from services.supervision.watch import Look, Watch


def test_a_service_that_is_away_has_no_numbers_instead_of_none_waiting() -> None:
    nothing: Any = None
    watch = Watch(nothing, nothing, nothing, nothing, 1, 10)
    gauges = (metrics.OUTBOX, metrics.OUTBOX_AGE, metrics.WAITING, metrics.WAITING_AGE)
    watch.last = Look(seen={"ocr": Seen(outbox=3, outbox_seconds=1.5, waiting=2, waiting_seconds=4.5)})
    watch._measure()
    assert [gauge.labels("ocr")._value.get() for gauge in gauges] == [3, 1.5, 2, 4.5]
    watch.last = Look(seen={"ocr": Seen(away=True), "status": Seen(away=True)})
    watch._measure()
    assert all(math.isnan(gauge.labels("ocr")._value.get()) for gauge in gauges)
    assert metrics.AWAY.labels("ocr")._value.get() == 1
