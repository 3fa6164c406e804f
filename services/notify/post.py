"""A claimed mail as bytes: its letter, its headers, its signature, and where its bounce would go. No I/O."""

from datetime import datetime

import msgspec

from services.common.trace import child
from services.notify import tokens
from services.notify.compose import Envelope, compose
from services.notify.digests import Part, render_many
from services.notify.letters import Letter, render
from services.notify.matrix import EVERY_KIND, rule_of
from services.notify.settings import NotifySettings
from services.notify.signing import Signer
from services.notify.store import CARRIERS, Claimed, Item


class Mail(msgspec.Struct, frozen=True):
    """What goes to the relay. ``sender`` is the envelope's: it names the message for whoever returns it."""

    sender: str
    content: bytes


class Post:
    """Makes mails. ``signer`` None: they are not signed."""

    def __init__(self, settings: NotifySettings, signer: Signer | None) -> None:
        self._settings = settings
        self._signer = signer
        self._secret = settings.token_secret.get_secret_value()
        self._pages = settings.public_url if settings.portal else None

    def mail(self, claimed: Claimed, now: datetime) -> Mail:
        """The mail of this message or carrier. Raises ``KeyError`` or ``ValueError`` for one that cannot be written."""
        unsubscribe = self._unsubscribe(claimed)
        envelope = Envelope(
            sender=self._settings.mail_from,
            recipient=claimed.address,
            message_id=claimed.message_id_header,
            traceparent=child(claimed.traceparent),
            language=claimed.language,
            unsubscribe=unsubscribe,
            reply_to=claimed.reply_to,
        )
        content = compose(self._letter(claimed, unsubscribe), envelope, now)
        return Mail(self._sender(claimed), self._signer.sign(content) if self._signer else content)

    def _letter(self, claimed: Claimed, unsubscribe: str | None) -> Letter:
        if claimed.kind in CARRIERS:
            parts = [
                Part(
                    kind=item.kind,
                    audience=item.audience,
                    subject=item.subject,
                    facts=item.facts,
                    url=self._own_link(claimed, item),
                )
                for item in claimed.items
            ]
            return render_many(
                claimed.kind, parts, claimed.created_at, self._pages, language=claimed.language, unsubscribe=unsubscribe
            )
        [item] = claimed.items
        return render(
            item.kind,
            item.audience,
            item.facts,
            item.subject,
            self._pages,
            language=claimed.language,
            unsubscribe=unsubscribe,
            url=self._own_link(claimed, item),
        )

    def _own_link(self, claimed: Claimed, item: Item) -> str | None:
        """The link that only the reader of this address has; alone or in a digest, what asks for it has it."""
        if item.facts.link is not None:
            return item.facts.link
        if item.kind != "CONTACT_CONFIRM":
            return None
        token = tokens.sign(self._secret, "contact", item.facts.about or "", claimed.address)
        return f"{self._settings.public_url}/api/v1/messages/contact/confirm?token={token}"

    def _unsubscribe(self, claimed: Claimed) -> str | None:
        """The link that ends this kind of mail; None for what nobody can end."""
        if claimed.kind in CARRIERS:
            if claimed.legal:
                return None
            kind = EVERY_KIND
        else:
            if not rule_of(claimed.kind, claimed.audience).optional:
                return None
            kind = claimed.kind
        token = tokens.sign(self._secret, "unsubscribe", claimed.address, kind)
        return f"{self._settings.public_url}/api/v1/messages/unsubscribe?token={token}"

    def _sender(self, claimed: Claimed) -> str:
        settings = self._settings
        if settings.bounce_address is None:
            return settings.sender
        return tokens.return_address(self._secret, settings.bounce_address, claimed.id)
