"""Cookies, other sites, networks, links and addresses, without a server."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from fastapi import Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from services.common.web import Problem
from services.portal import emails
from services.portal.account_limits import agent_of, network_of
from services.portal.mail_links import Links
from services.portal.session_guard import PROVIDER, clear_cookie, cookie_name, same_site, set_cookie
from tests.unit.portal.samples import SECRET, settings


def request(
    method: str = "POST", headers: Mapping[str, str] | None = None, client: str = "203.0.113.77", **more: Any
) -> Request:
    """A request as the application sees it."""
    app = SimpleNamespace(state=SimpleNamespace(portal=SimpleNamespace(settings=settings(**more))))
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request({"type": "http", "method": method, "path": "/", "headers": raw, "client": (client, 1), "app": app})


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [
        ("GET", {"Sec-Fetch-Site": "cross-site"}, True),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, True),
        ("POST", {"Sec-Fetch-Site": "none"}, True),
        ("POST", {"Sec-Fetch-Site": "same-site"}, False),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Origin": "https://factures.example"}, False),
        ("DELETE", {"Origin": "https://factures.example"}, True),
        ("DELETE", {"Origin": "https://factures.example.evil.example"}, False),
        ("PUT", {"Origin": "http://factures.example"}, False),
        ("PUT", {"Origin": "null"}, False),
        ("POST", {}, True),  # no browser
    ],
)
def test_a_write_is_taken_from_this_platforms_pages_and_from_programs_alone(
    method: str, headers: dict[str, str], allowed: bool
) -> None:
    if allowed:
        same_site(request(method, headers))
        return
    with pytest.raises(Problem) as raised:
        same_site(request(method, headers))
    assert (raised.value.status, raised.value.code) == (403, "CROSS_SITE")


def test_the_cookie_is_for_this_host_over_tls_alone_and_no_script_reads_it() -> None:
    answer = Response()
    set_cookie(answer, settings(), "word")
    found = answer.headers["set-cookie"].lower()
    assert found.startswith("__host-chorale=word;")
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= {part.strip() for part in found.split(";")}
    assert "domain" not in found
    assert cookie_name(settings(public_url="http://127.0.0.1:8080")) == "chorale"


def test_the_cookie_of_the_way_to_the_provider_is_for_this_host_alone_too() -> None:
    answer = Response()
    set_cookie(answer, settings(), "word", PROVIDER, 600)
    clear_cookie(answer, settings(), PROVIDER)
    given, taken = [value.lower() for name, value in answer.headers.items() if name == "set-cookie"]
    for found in (given, taken):
        assert found.startswith("__host-chorale-provider=")
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= {part.strip() for part in found.split(";")}
        assert "domain" not in found
    assert "max-age=600" in given
    assert "max-age=0" in taken
    assert cookie_name(settings(public_url="http://127.0.0.1:8080"), PROVIDER) == "chorale-provider"


@pytest.mark.parametrize(
    ("client", "shown", "counted"),
    [
        ("203.0.113.77", "203.0.113.0/24", "203.0.113.77/32"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.77", "203.0.113.0/24", "203.0.113.77/32"),
        ("testclient", "?", "?"),
    ],
)
def test_a_network_is_shown_coarsely_and_counted_finely(client: str, shown: str, counted: str) -> None:
    asked = request(client=client)
    assert (network_of(asked), network_of(asked, whole=True)) == (shown, counted)


def test_a_browser_is_named_by_its_family_alone() -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    assert agent_of(request(headers={"User-Agent": firefox})) == "Firefox, Linux"
    assert agent_of(request(headers={"User-Agent": "\x07odd"})) == "inconnu"


@given(st.binary(min_size=0, max_size=60), st.integers(min_value=0, max_value=42))
def test_a_link_is_read_as_it_was_made_and_no_other_word_is_one(noise: bytes, at: int) -> None:
    links, link = Links(SECRET, "https://factures.example"), uuid4()
    word = links.word(link)
    assert links.read(word) == link
    assert links.url(link).endswith(word)
    assert Links("another secret of the platform", "https://factures.example").read(word) is None
    changed = word[:at] + ("A" if word[at] != "A" else "B") + word[at + 1 :]
    # The last sign has bits that say nothing.
    assert links.read(changed) in ((None, link) if at == 42 else (None,))
    assert links.read(noise.decode("latin-1")) is None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" Claire@Menuiserie.Example ", "Claire@menuiserie.example"),
        ("claire@été.example", "claire@xn--t-9fab.example"),
        ("claire@localhost", None),
        ("claire", None),
        ("a@b.example\r\nBcc: c@d.example", None),
        ("é@b.example", None),
        ("a" * 65 + "@b.example", None),
    ],
)
def test_an_address_is_kept_as_it_is_written_to_or_refused(written: str, kept: str | None) -> None:
    assert emails.clean(written) == kept
    if kept is not None:
        assert emails.key(kept) == kept.lower()
