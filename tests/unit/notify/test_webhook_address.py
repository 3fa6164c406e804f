"""Which addresses a webhook may call."""

import ipaddress

import pytest

from services.notify.webhook_address import BadUrl, check_url, may_call, networks

CLOSED = (
    "127.0.0.1",  # loopback
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",  # private
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",  # a cloud's metadata
    "169.254.0.1",  # link-local
    "169.254.169.254",  # most clouds' metadata
    "168.63.129.16",  # a cloud's own services at a public address
    "192.0.0.192",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",  # multicast
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b::a9fe:a9fe",  # NAT64 of 169.254.169.254
    "64:ff9b:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "5f00::1",
    "fc00::1",  # unique local
    "fd00:ec2::254",  # a cloud's metadata over IPv6
    "fe80::1",  # link-local
    "fec0::1",
    "ff02::1",
)
OPEN = ("8.8.8.8", "1.1.1.1", "185.199.108.153", "2606:4700:4700::1111", "2a00:1450:4007::1", "::ffff:8.8.8.8")


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_the_public_internet_is_not_called(address: str) -> None:
    assert not may_call(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", [*OPEN, "64:ff9b::808:808"])
def test_a_public_address_is_called(address: str) -> None:
    assert may_call(ipaddress.ip_address(address), ())


def test_the_operator_opens_a_network_and_nothing_beside_it() -> None:
    allowed = networks(["10.1.0.0/16", " fd00:1::/32 ", ""])
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "fd00:1::5"):
        assert may_call(ipaddress.ip_address(address), allowed)
    for address in ("10.2.0.1", "127.0.0.1", "fd00:2::5", "169.254.169.254"):
        assert not may_call(ipaddress.ip_address(address), allowed)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://hooks.example/", "URL_HTTPS"),
        ("ftp://hooks.example/", "URL_FORM"),
        ("file:///etc/passwd", "URL_FORM"),
        ("https:/hooks.example/", "URL_HOST"),
        ("https://", "URL_HOST"),
        ("https://hooks.example:99999/", "URL_FORM"),
        ("https://hooks.example:0/", "URL_FORM"),
        ("https://user:pass@hooks.example/", "URL_EXTRAS"),
        ("https://hooks.example@169.254.169.254/", "URL_EXTRAS"),
        ("https://hooks.example/#a", "URL_EXTRAS"),
        ("https://hooks.example/a b", "URL_FORM"),
        ("https://hooks.example/\r\nHost: x", "URL_FORM"),
        ("https://hooks.example\\@169.254.169.254/", "URL_FORM"),
        ("https://127.0.0.1/", "URL_PRIVATE"),
        ("https://[::1]/", "URL_PRIVATE"),
        ("https://[::ffff:169.254.169.254]/", "URL_PRIVATE"),
        ("https://[fe80::1%25eth0]/", "URL_PRIVATE"),
        ("https://2130706433/", "URL_HOST"),
        ("https://0x7f000001/", "URL_HOST"),
        ("https://127.1/", "URL_HOST"),
        ("https://0177.0.0.01/", "URL_HOST"),
        ("https://hooks.example.0x7f/", "URL_HOST"),
        ("https://-hooks.example/", "URL_HOST"),
        ("https://höks.example/", "URL_FORM"),
        ("https://" + "a" * 2000, "URL_FORM"),
    ],
)
def test_a_url_that_no_webhook_may_have_is_refused_by_name(url: str, rule: str) -> None:
    with pytest.raises(BadUrl) as caught:
        check_url(url, https_only=True, allowed=())
    assert caught.value.rule == rule
    assert caught.value.action


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example/a?b=c", "https://hooks.example:8443/x", "https://xn--hks-sna.example/", "https://8.8.8.8/"],
)
def test_a_url_of_a_public_server_is_taken_as_it_is(url: str) -> None:
    assert check_url(url, https_only=True, allowed=()) == url
