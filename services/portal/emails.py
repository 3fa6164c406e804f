"""E-mail addresses as logins: one form to keep, one to compare by. Pure."""

import re

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]"
    r"(?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)


def clean(text: str) -> str | None:
    """The address as it is written to, domain in lower case and ASCII; None for what is none."""
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return None
    try:
        address = f"{local}@{domain.encode('idna').decode().lower()}"
    except UnicodeError:
        return None
    return address if len(address) <= 254 and _ADDRESS.fullmatch(address) else None


def key(address: str) -> str:
    """What an address is compared by: nobody has two accounts by capitals alone."""
    return address.lower()
