"""Structured logs with stable action names, and metrics with typed names. Never a document's content."""

import asyncio
import logging
import sys
import traceback
from typing import Final

import structlog
from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

#: Records taken from Kafka, by what became of them: handled, repeated, waiting, parked.
CONSUMED: Final = Counter("chorale_events_consumed_total", "Records consumed", ["outcome"])
#: Time of one batch's transaction, from the first lock to the commit.
BATCH_SECONDS: Final = Histogram("chorale_batch_seconds", "Batch transaction", buckets=_SECONDS)
#: Records in one batch.
BATCH_SIZE: Final = Histogram("chorale_batch_records", "Records in a batch", buckets=(1, 5, 20, 50, 100, 200, 500))
#: Batches that had to be tried again because a part we depend on was away.
RETRIES: Final = Counter("chorale_batch_retries_total", "Batches tried again", ["error"])
#: Records between the group's position and the end of the partitions.
LAG: Final = Gauge("chorale_consumer_lag", "Records not consumed yet")
#: Messages that the broker has acknowledged.
RELAYED: Final = Counter("chorale_outbox_relayed_total", "Messages relayed", ["lane"])
#: Rows of the outbox that are not sent, and the age of the oldest.
OUTBOX_ROWS: Final = Gauge("chorale_outbox_unsent", "Outbox rows not sent")
OUTBOX_AGE: Final = Gauge("chorale_outbox_oldest_seconds", "Age of the oldest unsent row")
#: Events whose predecessor has not come, and the age of the oldest.
WAITING_ROWS: Final = Gauge("chorale_waiting_events", "Events waiting for their predecessor")
WAITING_AGE: Final = Gauge("chorale_waiting_oldest_seconds", "Age of the oldest waiting event")
#: Dead letters that nobody has settled.
DEAD_LETTERS: Final = Gauge("chorale_dead_letters_open", "Dead letters open", ["reason"])
#: 1 while consuming is stopped because too much was parked.
STOPPED: Final = Gauge("chorale_consuming_stopped", "Consuming stopped by the dead letter limit")
#: Timers past their instant, not fired yet.
TIMERS_DUE: Final = Gauge("chorale_timers_due", "Timers due")
#: Tokens that counted for nothing, by what was wrong with them.
TOKENS_REFUSED: Final = Counter("chorale_tokens_refused_total", "Tokens refused", ["reason"])
#: HTTP requests by route and status class.
HTTP_SECONDS: Final = Histogram(
    "chorale_http_seconds", "HTTP requests", ["method", "route", "status"], buckets=_SECONDS
)


def configure(service: str, level: str) -> None:
    """One JSON line per record on standard output, from structlog and from the libraries' own loggers alike."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_texts,
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _first_line],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "asyncpg.pool", "uvicorn.access", "urllib3", "httpx"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


def where(error: BaseException) -> str:
    """The frames of an exception and of its causes, with types and never texts: those may quote a document."""
    found: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        inner = current.exceptions if isinstance(current, BaseExceptionGroup) else ()
        found += [f"{type(current).__name__}\n{''.join(traceback.format_tb(current.__traceback__))}"]
        found += [f"within it:\n{where(one)}" for one in inner]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "caused by:\n".join(found)[:8000]


def waiting_tasks() -> str:
    """Where every asyncio task waits, innermost last: a task that waits stands on no thread's stack."""
    lines: list[str] = []
    for task in asyncio.all_tasks():
        lines.append(f"task {task.get_name()}")
        inner: object = task.get_coro()
        while inner is not None:
            frame = getattr(inner, "cr_frame", None) or getattr(inner, "gi_frame", None)
            if frame is not None:
                lines.append(f"  {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}")
            inner = getattr(inner, "cr_await", None) or getattr(inner, "gi_yieldfrom", None)
    return "\n".join(lines) + "\n"


def _without_texts(_: object, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What ``exc_info`` says, without the texts of exceptions."""
    given = entry.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        entry["exception"] = where(error)
    return entry


def _first_line(_: object, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """asyncio puts the repr of futures and their exceptions below its first line."""
    entry["event"] = str(entry["event"]).partition("\n")[0]
    return entry


def logger() -> structlog.stdlib.BoundLogger:
    """The process's logger: ``logger().info("deposit.stored", deposit=…)``."""
    return structlog.stdlib.get_logger()
