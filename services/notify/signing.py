"""DKIM signatures (RFC 6376). The only importer of dkimpy."""

import dkim

from services.notify.settings import NotifySettings

#: What the signature covers: whatever a reader or his software relies on. RFC 8058 wants the unsubscribe fields.
_HEADERS = (
    b"From",
    b"To",
    b"Reply-To",
    b"Subject",
    b"Date",
    b"Message-ID",
    b"MIME-Version",
    b"Content-Type",
    b"List-Unsubscribe",
    b"List-Unsubscribe-Post",
)


class Signer:
    """Signs every mail with the key of the sender's domain. ``key`` is PEM (RSA)."""

    def __init__(self, domain: str, selector: str, key: bytes) -> None:
        self._domain = domain.encode()
        self._selector = selector.encode()
        self._key = key
        self.sign(b"From: a@b.example\r\n\r\n\r\n")  # a key that cannot sign is told at start, not at the first mail

    def sign(self, content: bytes) -> bytes:
        """The mail with its signature in front. Raises ``ValueError`` for a key that cannot sign."""
        present = {line.partition(b":")[0].lower() for line in content.partition(b"\r\n\r\n")[0].split(b"\r\n")}
        included = [name for name in _HEADERS if name.lower() in present]
        try:
            head: bytes = dkim.sign(
                content,
                self._selector,
                self._domain,
                self._key,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=included,
            )
        except dkim.DKIMException as error:
            raise ValueError(f"DKIM: {type(error).__name__}: {error}") from error
        return head + content


def signer(settings: NotifySettings) -> Signer | None:
    """The signer of the settings; None without a key. Raises OSError or ``ValueError`` for a key that is no key."""
    if settings.dkim_key_file is None:
        return None
    with open(settings.dkim_key_file, "rb") as file:
        return Signer(settings.dkim_domain or settings.mail_domain, settings.dkim_selector, file.read())
