"""What the routes and workers of portal share."""

from dataclasses import dataclass
from uuid import uuid4

from services.common.db import Pool
from services.common.deliver import transaction
from services.common.trace import RequestCause
from services.portal import member_store, rights
from services.portal.account_keys import SigningKeys
from services.portal.account_passwords import Passwords
from services.portal.account_wishes import Wishes
from services.portal.mail_links import Links
from services.portal.mailing import Mailing
from services.portal.neighbours import Neighbours
from services.portal.oidc import Provider
from services.portal.people import People
from services.portal.person_part import person
from services.portal.settings import PortalSettings
from services.portal.tokens import ITSELF, Tokens


@dataclass(frozen=True)
class Parts:
    """``pool``: as owner of the schema; ``api_pool``: under row-level security. ``provider`` None: there is none."""

    settings: PortalSettings
    pool: Pool
    api_pool: Pool
    keys: SigningKeys
    passwords: Passwords
    tokens: Tokens
    mailing: Mailing
    wishes: Wishes
    neighbours: Neighbours
    people: People
    provider: Provider | None


def assemble(settings: PortalSettings, pool: Pool, api_pool: Pool) -> Parts:
    """Everything, by these settings."""
    keys = SigningKeys(pool, settings.secret, lead=settings.key_lead, tail=settings.key_tail)
    tokens = Tokens(keys, settings.token_seconds)
    links = Links(settings.secret, settings.public_url)
    notify = settings.service_urls.get("notify", "http://notify:8000")
    mailing = Mailing(pool, tokens, links, notify, poll_seconds=settings.worker_poll_seconds)
    neighbours = Neighbours(pool, tokens, settings.service_urls)
    return Parts(
        settings=settings,
        pool=pool,
        api_pool=api_pool,
        keys=keys,
        passwords=Passwords(settings),
        tokens=tokens,
        mailing=mailing,
        wishes=Wishes(pool, mailing, settings),
        neighbours=neighbours,
        people=People(pool, neighbours, person(), seconds=settings.person_seconds),
        provider=Provider(settings) if settings.oidc_issuer else None,
    )


async def begin(parts: Parts) -> None:
    """What must be there before anything is asked: a key that signs, and portal's own right to ask the others."""
    await parts.keys.ensure()
    async with transaction(parts.pool, "portal") as tx:
        await member_store.give_office(tx.conn, ITSELF, "SERVICE", None, "platform", tx.now)
        await rights.publish(tx, [ITSELF], RequestCause(uuid4()))
