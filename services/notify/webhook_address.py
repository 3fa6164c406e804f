"""Which addresses a webhook may call. Pure: names are resolved elsewhere, and every address is asked about here."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: IPv4 that is not the public Internet (IANA's special purposes), and a platform's own services at a public address.
_CLOSED_4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
    )
)
#: The only IPv6 that is public, and what inside it is not (Teredo, 6to4, documentation, special purposes).
_OPEN_6: Final = ipaddress.IPv6Network("2000::/3")
_CLOSED_6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
MAX_URL = 2000


class BadUrl(ValueError):
    """A URL that no webhook may have. ``rule`` is stable, the text is French."""

    def __init__(self, rule: str, message: str, action: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.action = action


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks as the operator writes them. Raises ``ValueError``."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip())


def meant(address: Address) -> Address:
    """The address that is really reached: the IPv4 inside a mapped or a NAT64 one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def may_call(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether this very address may be called: public, or inside a network that the operator allows."""
    found = meant(address)
    if any(found in network for network in allowed if network.version == found.version):
        return True
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in network for network in _CLOSED_4)
    return found in _OPEN_6 and not any(found in network for network in _CLOSED_6)


def literal(host: str) -> Address | None:
    """The address that a host is written as; None for a name. A zone (``%eth0``) is never public."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def check_url(url: str, *, https_only: bool, allowed: Sequence[Network]) -> str:
    """The URL, cleaned, that a webhook may have. Raises :class:`BadUrl`.

    A name is only looked at here; its addresses are checked each time a connection is made.
    """
    shape = "Écrivez une adresse complète, comme https://factures.exemple.fr/evenements."
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or any(c in url for c in ' "<>\\^`{|}'):
        raise BadUrl("URL_FORM", "Ce n'est pas une adresse de 2 000 caractères ASCII au plus.", shape)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadUrl("URL_FORM", "Ce n'est pas une adresse.", shape) from error
    if parts.scheme not in ("https", "http") or port == 0:
        raise BadUrl("URL_FORM", "L'adresse doit commencer par https://.", shape)
    if parts.scheme == "http" and https_only:
        raise BadUrl("URL_HTTPS", "L'adresse doit commencer par https:// : rien ne part en clair.", shape)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadUrl(
            "URL_EXTRAS", "L'adresse ne peut porter ni identifiant, ni mot de passe, ni « # ».", "Retirez-les."
        )
    found = literal(host)
    # « 127.1 » and « 0x7f.1 » are addresses to some resolvers: a name never ends in a number.
    if found is None and (not _HOST.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2])):
        raise BadUrl("URL_HOST", "Le nom du serveur n'est pas valable.", shape)
    if found is not None and not may_call(found, allowed):
        raise BadUrl(
            "URL_PRIVATE", PRIVATE, "Donnez une adresse publique, ou demandez à l'exploitant d'ouvrir ce réseau."
        )
    return url


PRIVATE: Final = "Cette adresse est celle d'un réseau privé ou réservé : elle n'est pas appelée."
