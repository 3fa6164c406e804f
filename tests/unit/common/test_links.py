"""Signed links: they open one document for a while, and nothing that was made up opens anything."""

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import jwt
import msgspec
import pytest

from contracts.events import Grant
from services.common import links
from services.common.links import Presented
from services.common.principal import Holder, Principal, of_grants, rights_of
from services.common.web import Problem

SECRET = "a-secret-for-the-tests-of-links-000000"
DOCUMENT, OTHER = UUID(int=7), UUID(int=8)
NOW = 1_800_000_000.0
HIS = Holder("person:1", "session-1", 3, "some rights", ("invoices.read",))


def parts(address: str) -> Presented:
    query = parse_qs(urlsplit(address).query)
    return Presented(**{name: values[0] for name, values in query.items()})


def made(document: UUID = DOCUMENT, holder: Holder = HIS, now: float = NOW) -> Presented:
    return parts(links.make(SECRET, document, holder, now=now).template)


def opens(document: UUID, link: Presented, *, secret: str = SECRET, now: float = NOW, **changed: str) -> str:
    """The code of the refusal, or nothing."""
    try:
        assert links.check(secret, document, msgspec.structs.replace(link, **changed), now=now).holder == HIS
    except Problem as problem:
        return f"{problem.status} {problem.code}"
    return ""


def test_a_link_opens_its_document_until_it_expires() -> None:
    link = links.make(SECRET, DOCUMENT, HIS, now=NOW)
    given = parts(link.template)
    assert parts(link.index) == given
    assert "{n}.png" in link.template
    assert opens(DOCUMENT, given) == ""
    until = link.expires_at.timestamp()
    assert links.LIFETIME_SECONDS <= until - NOW <= links.LIFETIME_SECONDS + 300
    assert opens(DOCUMENT, given, now=until - 1) == ""
    assert opens(DOCUMENT, given, now=until) == "410 PAGES_LINK_EXPIRED"


def test_links_given_to_one_person_at_about_the_same_time_are_the_same() -> None:
    start = NOW - NOW % 300 + 1
    times = [start + second for second in range(0, 298, 20)]
    assert len({links.make(SECRET, DOCUMENT, HIS, now=time).template for time in times}) == 1
    assert links.make(SECRET, DOCUMENT, Holder("person:2"), now=start) != links.make(SECRET, DOCUMENT, HIS, now=start)


def test_a_link_was_given_no_earlier_than_it_says() -> None:
    for now in (NOW - NOW % 300, NOW - NOW % 300 + 299):
        given = links.check(SECRET, DOCUMENT, made(now=now), now=now).given
        assert now - 300 <= given <= now


def test_what_was_not_signed_for_this_document_and_person_opens_nothing() -> None:
    link = made()
    refused = "403 PAGES_LINK_REFUSED"
    assert opens(OTHER, link) == refused
    assert opens(DOCUMENT, link, expires=str(int(link.expires) + 300)) == refused
    assert opens(DOCUMENT, link, secret=SECRET + "x") == refused
    assert opens(DOCUMENT, link, signature=link.signature[:-1]) == refused
    assert opens(DOCUMENT, link, signature="") == refused
    assert opens(DOCUMENT, link, expires="", signature="") == refused
    assert opens(DOCUMENT, link, signature="é" * 43) == refused
    for holder in (made(holder=Holder("person:2")).holder, "", "W10", link.holder + "=", "é"):
        assert opens(DOCUMENT, link, holder=holder) == refused
    assert opens(DOCUMENT, Presented()) == refused


@pytest.mark.parametrize("spelling", ["0{}", "+{}", " {}", "{}.0", "{}\n", "１{}", "9" * 13, "9" * 5000])
def test_an_instant_has_one_spelling(spelling: str) -> None:
    link = made()
    assert opens(DOCUMENT, link, expires=spelling.format(link.expires)) == "403 PAGES_LINK_REFUSED"


def test_a_link_that_was_forged_is_refused_as_such_even_if_it_is_over() -> None:
    assert opens(DOCUMENT, Presented(expires="1", signature="x")) == "403 PAGES_LINK_REFUSED"


def test_a_token_is_no_link_and_a_link_no_token() -> None:
    token = jwt.encode({"sub": "x", "exp": NOW + 60}, SECRET, algorithm="HS256")
    link = made()
    assert opens(DOCUMENT, link, signature=token.rpartition(".")[2]) == "403 PAGES_LINK_REFUSED"
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(f"e30.e30.{link.signature}", SECRET, algorithms=["HS256"])


def test_a_link_to_an_attachment_opens_that_one_of_that_invoice_and_no_pages() -> None:
    link = links.attachment(SECRET, DOCUMENT, OTHER, HIS, now=NOW)
    assert link.href.startswith(f"/api/v1/deposits/{DOCUMENT}/attachments/{OTHER}/content?")
    given = parts(link.href)
    assert links.check_attachment(SECRET, DOCUMENT, OTHER, given, now=NOW).holder == HIS
    late = link.expires_at.timestamp()
    for document, file, tried, now, code in (
        (OTHER, DOCUMENT, given, NOW, "ATTACHMENT_LINK_REFUSED"),
        (DOCUMENT, DOCUMENT, given, NOW, "ATTACHMENT_LINK_REFUSED"),
        (DOCUMENT, OTHER, made(), NOW, "ATTACHMENT_LINK_REFUSED"),
        (DOCUMENT, OTHER, given, late, "ATTACHMENT_LINK_EXPIRED"),
    ):
        with pytest.raises(Problem) as caught:
            links.check_attachment(SECRET, document, file, tried, now=now)
        assert caught.value.code == code
    assert opens(DOCUMENT, given) == "403 PAGES_LINK_REFUSED"


def test_a_holder_is_another_one_with_other_rights_and_the_same_with_the_same() -> None:
    one, two = Grant(role="FOURNISSEUR", structure="A"), Grant(role="COMPTABLE", structure="B", tenant="t")
    assert rights_of((one, two)) == rights_of((two, one))
    words = {rights_of(held) for held in ((), (one,), (two,), (one, two), (Grant(role="LECTURE", structure="A"),))}
    assert len(words) == 5
    assert all(words)
    named = of_grants("person:1", (one,), issued=1.0, session="s", ver=2)
    assert named.holder == Holder("person:1", "s", 2, rights_of((one,)))
    assert Principal(subject="developer", structures=("A",)).holder == Holder("developer")
