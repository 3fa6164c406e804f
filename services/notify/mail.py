"""Hands one message to the relay over a connection that is kept open. The only importer of aiosmtplib."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import aiosmtplib

from services.notify.domain import Answer, Result, Stage, result_of
from services.notify.letters import one_line
from services.notify.settings import NotifySettings

_MAX_ANSWER = 300


class Link:
    """One connection to the relay. Used by one sender at a time; made again whenever it is gone."""

    def __init__(self, settings: NotifySettings) -> None:
        self._settings = settings
        self._client: aiosmtplib.SMTP | None = None
        self._tls = False

    @property
    def open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._client is not None and self._client.is_connected

    async def send(self, recipient: str, content: bytes, ours: Callable[[], bool]) -> Answer | None:
        """Hand over one message. Every failure of the relay is an answer.

        ``ours`` is asked once more before the content goes out: None when the message is somebody else's by then (a
        frozen process thaws in the middle of a dialogue).
        """
        reused = self.open
        stage: Stage = "connect"
        try:
            client = await self._connected()
            try:
                stage = "sender"
                await client.mail(self._settings.sender)
            except (aiosmtplib.SMTPServerDisconnected, ConnectionError):
                if not reused:
                    raise
                # An idle connection that the relay has closed meanwhile: nothing was handed over on it.
                stage = "connect"
                await self.close()
                client = await self._connected()
                stage = "sender"
                await client.mail(self._settings.sender)
            stage = "recipient"
            await client.rcpt(recipient)
            if not ours():
                await self.close()
                return None
            stage = "content"
            answered = await client.data(content)
        except aiosmtplib.SMTPResponseException as error:
            return await self._refused(stage, error)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            await self.close()
            return self._answer("technical", text=type(error).__name__, reached=stage != "connect")
        return self._answer(result_of("content", answered.code), answered.code, answered.message)

    async def _refused(self, stage: Stage, error: aiosmtplib.SMTPResponseException) -> Answer:
        if stage == "connect" or error.code == 421:
            await self.close()
        else:
            try:
                assert self._client is not None
                await self._client.rset()
            except (aiosmtplib.SMTPException, OSError):
                await self.close()
        reached = stage != "connect"
        return self._answer(result_of(stage, error.code), error.code, error.message, reached=reached)

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            local_hostname=settings.smtp_hello,
            timeout=settings.smtp_timeout_seconds,
            use_tls=settings.smtp_tls == "tls",
            start_tls={"auto": None, "starttls": True, "tls": False, "none": False}[settings.smtp_tls],
        )
        self._tls = False
        await client.connect()
        self._tls = client.get_transport_info("sslcontext") is not None
        self._client = client
        return client

    async def close(self) -> None:
        """Leave without waiting for long."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            with suppress(Exception):
                async with asyncio.timeout(1):
                    await client.quit()
            client.close()

    def _answer(self, result: Result, code: int | None = None, text: str = "", *, reached: bool = True) -> Answer:
        settings = self._settings
        return Answer(
            result=result,
            at=datetime.now(UTC),
            host=f"{settings.smtp_host}:{settings.smtp_port}",
            code=code,
            text=one_line(text)[:_MAX_ANSWER],
            tls=self._tls,
            reached=reached,
        )
