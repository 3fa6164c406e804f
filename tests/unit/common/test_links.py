"""Signed links: they open one document for a while, and nothing that was made up opens anything."""

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import jwt
import pytest

from services.common import links
from services.common.web import Problem

SECRET = "a-secret-for-the-tests-of-links-000000"
DOCUMENT, OTHER = UUID(int=7), UUID(int=8)
NOW = 1_800_000_000.0


def parts(address: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(address).query)
    return query["expires"][0], query["signature"][0]


def opens(document: UUID, expires: str, signature: str, *, secret: str = SECRET, now: float = NOW) -> str:
    """The code of the refusal, or nothing."""
    try:
        assert links.check(secret, document, expires, signature, now=now) > 0
    except Problem as problem:
        return f"{problem.status} {problem.code}"
    return ""


def test_a_link_opens_its_document_until_it_expires() -> None:
    link = links.make(SECRET, DOCUMENT, now=NOW)
    expires, signature = parts(link.template)
    assert parts(link.index) == (expires, signature)
    assert "{n}.png" in link.template
    assert opens(DOCUMENT, expires, signature) == ""
    until = link.expires_at.timestamp()
    assert links.LIFETIME_SECONDS <= until - NOW <= links.LIFETIME_SECONDS + 300
    assert opens(DOCUMENT, expires, signature, now=until - 1) == ""
    assert opens(DOCUMENT, expires, signature, now=until) == "410 PAGES_LINK_EXPIRED"


def test_links_given_at_about_the_same_time_are_the_same() -> None:
    start = NOW - NOW % 300 + 1
    assert len({links.make(SECRET, DOCUMENT, now=start + second).template for second in range(0, 298, 20)}) == 1


def test_what_was_not_signed_for_this_document_opens_nothing() -> None:
    expires, signature = parts(links.make(SECRET, DOCUMENT, now=NOW).template)
    refused = "403 PAGES_LINK_REFUSED"
    assert opens(OTHER, expires, signature) == refused
    assert opens(DOCUMENT, str(int(expires) + 300), signature) == refused
    assert opens(DOCUMENT, expires, signature, secret=SECRET + "x") == refused
    assert opens(DOCUMENT, expires, signature[:-1]) == refused
    assert opens(DOCUMENT, expires, "") == refused
    assert opens(DOCUMENT, "", "") == refused
    assert opens(DOCUMENT, expires, "é" * 43) == refused


@pytest.mark.parametrize("spelling", ["0{}", "+{}", " {}", "{}.0", "{}\n", "１{}", "9" * 13, "9" * 5000])
def test_an_instant_has_one_spelling(spelling: str) -> None:
    expires, signature = parts(links.make(SECRET, DOCUMENT, now=NOW).template)
    assert opens(DOCUMENT, spelling.format(expires), signature) == "403 PAGES_LINK_REFUSED"


def test_a_link_that_was_forged_is_refused_as_such_even_if_it_is_over() -> None:
    assert opens(DOCUMENT, "1", "x") == "403 PAGES_LINK_REFUSED"


def test_a_token_is_no_link_and_a_link_no_token() -> None:
    token = jwt.encode({"sub": "x", "exp": NOW + 60}, SECRET, algorithm="HS256")
    expires, signature = parts(links.make(SECRET, DOCUMENT, now=NOW).template)
    assert opens(DOCUMENT, expires, token.rpartition(".")[2]) == "403 PAGES_LINK_REFUSED"
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(f"e30.e30.{signature}", SECRET, algorithms=["HS256"])


def test_a_link_to_an_attachment_opens_that_one_of_that_invoice_and_no_pages() -> None:
    link = links.attachment(SECRET, DOCUMENT, OTHER, now=NOW)
    assert link.href.startswith(f"/api/v1/deposits/{DOCUMENT}/attachments/{OTHER}/content?")
    expires, signature = parts(link.href)
    assert links.check_attachment(SECRET, DOCUMENT, OTHER, expires, signature, now=NOW) > 0
    late = link.expires_at.timestamp()
    pages = parts(links.make(SECRET, DOCUMENT, now=NOW).template)
    for asked, code in (
        ((OTHER, DOCUMENT, expires, signature, NOW), "ATTACHMENT_LINK_REFUSED"),
        ((DOCUMENT, DOCUMENT, expires, signature, NOW), "ATTACHMENT_LINK_REFUSED"),
        ((DOCUMENT, OTHER, *pages, NOW), "ATTACHMENT_LINK_REFUSED"),
        ((DOCUMENT, OTHER, expires, signature, late), "ATTACHMENT_LINK_EXPIRED"),
    ):
        document, file, until, signed, now = asked
        with pytest.raises(Problem) as caught:
            links.check_attachment(SECRET, document, file, until, signed, now=now)
        assert caught.value.code == code
    assert opens(DOCUMENT, expires, signature) == "403 PAGES_LINK_REFUSED"
