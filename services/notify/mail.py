"""Hands one mail to a relay over a connection that is kept open. The only importer of aiosmtplib."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

import aiosmtplib

from services.common import clock
from services.notify.domain import Answer, Result, Stage, result_of
from services.notify.letters import one_line
from services.notify.relays import RelayAddress, Relays
from services.notify.settings import NotifySettings

_MAX_ANSWER = 300
#: Many relays say only at the recipient that they refuse the sender or the client: relaying denied, our domain unknown.
_OURS = ("5.7.", "5.1.7", "5.1.8")


class Link:
    """One connection to a relay. Used by one sender at a time; made again whenever it is gone."""

    def __init__(self, settings: NotifySettings, relays: Relays) -> None:
        self._settings = settings
        self._relays = relays
        self._relay = relays.order()[0]
        self._client: aiosmtplib.SMTP | None = None
        self._tls: tuple[str, str] | None = None

    @property
    def open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._client is not None and self._client.is_connected

    async def send(self, recipient: str, content: bytes, ours: Callable[[], bool], sender: str) -> Answer | None:
        """Hand over one mail, from the envelope's ``sender``. Every failure of the relay is an answer.

        ``ours`` is asked once more before the content goes out: None when the mail is somebody else's by then (a
        frozen process thaws in the middle of a dialogue).
        """
        if self.open and not self._relays.best(self._relay):
            await self.close()  # a better relay has rested long enough
        reused = self.open
        stage: Stage = "connect"
        try:
            client = await self._connected()
            try:
                stage = "sender"
                await client.mail(sender)
            except (aiosmtplib.SMTPServerDisconnected, ConnectionError):
                if not reused:
                    raise
                # An idle connection that the relay has closed meanwhile: nothing was handed over on it.
                stage = "connect"
                await self.close()
                client = await self._connected()
                stage = "sender"
                await client.mail(sender)
            stage = "recipient"
            await client.rcpt(recipient)
            if not ours():
                await self.close()
                return None
            stage = "content"
            # Whoever hangs up while a relay still checks the content gets it taken, and sends it again for ever.
            answered = await client.data(content, timeout=self._settings.smtp_content_seconds)
        except aiosmtplib.SMTPResponseException as error:
            return await self._refused(stage, error)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            await self.close()
            return self._answer("technical", text=type(error).__name__, reached=stage != "connect")
        return self._answer(result_of("content", answered.code), answered.code, answered.message)

    async def _refused(self, stage: Stage, error: aiosmtplib.SMTPResponseException) -> Answer:
        if stage == "recipient" and error.message.startswith(_OURS):
            stage = "sender"
        if stage == "connect" or error.code == 421:
            await self.close()
        else:
            try:
                assert self._client is not None
                await self._client.rset()
            except (aiosmtplib.SMTPException, OSError):
                await self.close()
        if error.code == 421 or (stage == "sender" and error.code >= 500):
            self._relays.refused(self._relay)  # it wants nothing of us: another may
        reached = stage != "connect"
        return self._answer(result_of(stage, error.code, error.message), error.code, error.message, reached=reached)

    async def _connected(self) -> aiosmtplib.SMTP:
        """The open connection, or a new one to the first relay that takes one. Raises the last relay's refusal."""
        if self._client is not None and self._client.is_connected:
            return self._client
        candidates = self._relays.order()
        for number, relay in enumerate(candidates, start=1):
            self._relay, self._tls = relay, None
            client = self._new(relay)
            try:
                await client.connect()
            except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError):
                self._relays.refused(relay)
                if number == len(candidates):
                    raise
                continue
            self._relays.answered(relay)
            self._tls = _tls(client)
            self._client = client
            return client
        raise AssertionError("there is at least one relay")

    def _new(self, relay: RelayAddress) -> aiosmtplib.SMTP:
        settings = self._settings
        trusted = ssl.create_default_context()
        if settings.smtp_ca_file:
            trusted.load_verify_locations(settings.smtp_ca_file)  # beside the system's
        # A password is never given in clear because somebody on the way has hidden STARTTLS.
        auto = True if relay.username else None
        return aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.username,
            password=relay.password,
            local_hostname=settings.smtp_hello,
            timeout=settings.smtp_timeout_seconds,
            use_tls=relay.tls == "tls",
            start_tls={"auto": auto, "starttls": True, "tls": False, "none": False}[relay.tls],
            tls_context=trusted,
        )

    async def close(self) -> None:
        """Leave without waiting for long."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            with suppress(Exception):
                async with asyncio.timeout(1):
                    await client.quit()
            client.close()

    def _answer(self, result: Result, code: int | None = None, text: str = "", *, reached: bool = True) -> Answer:
        return Answer(
            result=result,
            at=clock.now(),
            host=self._relay.place,
            code=code,
            text=one_line(text)[:_MAX_ANSWER],
            tls=self._tls is not None,
            reached=reached,
            tls_version=self._tls[0] if self._tls else None,
            tls_cipher=self._tls[1] if self._tls else None,
        )


def _tls(client: aiosmtplib.SMTP) -> tuple[str, str] | None:
    """Version and cipher as negotiated; None in the clear."""
    session = client.get_transport_info("ssl_object")
    if not isinstance(session, ssl.SSLObject):
        return None
    cipher = session.cipher()
    return session.version() or "", cipher[0] if cipher else ""
