"""Everything of the supervision page, put together for who asks."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from contracts.registry import SERVICES
from services.common.db import Pool, scoped
from services.common.web import Problem
from services.supervision import letters, store, windows
from services.supervision.access import Reach
from services.supervision.neighbours import Neighbours, Seen
from services.supervision.views import LetterReason, Mails, Notice, Overview, Rate, ServiceState
from services.supervision.watch import Look, age
from services.supervision.words import language, sentence

#: The layouts that the overview names; the others are on their own page.
_LAYOUTS = 10
#: Kafka is away when it has not answered for so long.
_KAFKA_SECONDS = 30


async def overview(request: Request, reach: Reach, api_pool: Pool, neighbours: Neighbours, last: Look) -> Overview:
    """The figures of the streams, of Kafka, of the services, and the stocks that status answers to the same caller."""
    async with scoped(api_pool, dict(reach.scope)) as connection:
        now = store.now()
        rates = await windows.rates(connection, reach.tenants, now)
        times = await windows.times(connection, reach.tenants, now)
        reading = await windows.layouts(connection, reach.tenants, now, hours=24, limit=_LAYOUTS)
    notices: list[Notice] = []
    stocks, risks, parked = await asyncio.gather(
        asked(request, reach, neighbours, "figures", notices),
        asked(request, reach, neighbours, "risks", notices),
        _letters(request, reach, neighbours, last, notices),
    )
    if reach.platform and time.time() - last.at > _KAFKA_SECONDS:
        notices.append(_notice(request, "KAFKA_AWAY"))
    return Overview(
        at=now,
        standing=reach.standing,
        tenants=[] if reach.platform else list(reach.tenants),
        rates=rates,
        times=times,
        reading=reading,
        mails=_mails({rate.stage: rate for rate in rates}),
        letters=parked,
        services=services(last) if reach.platform else None,
        stocks=stocks,
        risks=risks,
        notices=notices,
    )


async def asked(
    request: Request, reach: Reach, neighbours: Neighbours, what: str, notices: list[Notice]
) -> dict[str, Any] | None:
    """What status answers; None with a notice where it does not. Several tenants at once: it adds them up itself."""
    params = {"tenant": reach.tenants[0]} if len(reach.tenants) == 1 and not reach.platform else None
    try:
        found = await neighbours.ask(request, "status", "GET", f"/api/v1/invoices/{what}", params=params)
    except Problem as problem:
        if not any(notice.code == "STOCKS_MISSING" for notice in notices):
            notices.append(_notice(request, "STOCKS_MISSING", code=problem.code))
        return None
    assert isinstance(found, dict)
    return found


async def _letters(
    request: Request, reach: Reach, neighbours: Neighbours, last: Look, notices: list[Notice]
) -> list[LetterReason]:
    """Open dead letters by reason: of the platform as the services' metrics have them, of tenants as they answer."""
    if reach.platform:
        seen = {service: found.dead for service, found in last.seen.items()}
        return letters.sorted_reasons(
            LetterReason(service=service, reason=reason, count=count)
            for service, dead in seen.items()
            for reason, count in dead.items()
        )
    params = {"tenant": reach.tenants[0]} if len(reach.tenants) == 1 else {}
    found = await letters.reasons(request, neighbours, list(neighbours.urls), params)
    if found.away:
        notices.append(_notice(request, "LETTERS_MISSING", services=", ".join(found.away)))
    return found.reasons


def _notice(request: Request, code: str, /, **values: object) -> Notice:
    return Notice(code=code, text=sentence(code, language(request), **values))


def _mails(rates: Mapping[str, Rate]) -> Mails:
    accepted, failed = rates["mail_accepted"], rates["mail_failed"]
    return Mails(
        accepted_last_hour=accepted.last_hour,
        failed_last_hour=failed.last_hour,
        accepted_last_day=accepted.last_day,
        failed_last_day=failed.last_day,
    )


def services(last: Look) -> list[ServiceState]:
    """Every service as it was seen last."""
    now = time.time()
    found = []
    for service in SERVICES:
        behind = last.behind.get(service)
        seen = last.seen.get(service, Seen(away=service != "supervision"))
        told = seen if not seen.away and service in last.seen else None
        found.append(
            ServiceState(
                service=service,
                away=seen.away,
                stopped=seen.stopped,
                unread=behind.unread if behind else None,
                oldest_unread_seconds=_short(age(behind, now)) if behind else None,
                outbox=told.outbox if told else None,
                outbox_oldest_seconds=_short(told.outbox_seconds) if told else None,
                waiting=told.waiting if told else None,
                waiting_oldest_seconds=_short(told.waiting_seconds) if told else None,
                dead_letters=told.dead if told else None,
            )
        )
    return found


def _short(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
