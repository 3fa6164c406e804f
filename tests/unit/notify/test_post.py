"""A claimed mail as bytes: the links only its reader has, what the signature covers; and how a relay is spoken to."""

import email
import email.policy
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from services.notify import tokens
from services.notify.domain import Facts
from services.notify.mail import Link
from services.notify.post import Post
from services.notify.relays import Relays
from services.notify.settings import NotifySettings
from services.notify.signing import Signer
from services.notify.store import Claimed, Item
from tests.unit.notify.samples import NOON

SECRET = "a secret of the tests that is long enough"
READER = "bureau@neuf.example"


def settings(**changes: object) -> NotifySettings:
    return NotifySettings(
        environment="development",
        kafka="unused:1",
        dsn="unused",
        api_dsn="unused",
        port=1,
        token_secret=SECRET,
        mail_from="Chorale <ne-pas-repondre@chorale.example>",
        public_url="https://factures.example",
        **{"smtp_host": "127.0.0.1", **changes},  # type: ignore[arg-type]
    )


def item(kind: str, **facts: object) -> Item:
    about = Facts(at=NOON, **facts)  # type: ignore[arg-type]
    return Item(
        id=uuid4(), subject=str(uuid4()), entry=None, kind=kind, audience="person", facts=about, traceparent=None
    )


def claimed(kind: str, *items: Item, reply_to: str | None = None) -> Claimed:
    return Claimed(
        id=uuid4(),
        kind=kind,
        audience="person",
        address=READER,
        language="fr",
        legal=False,
        message_id_header="<m@chorale.example>",
        traceparent=None,
        n=1,
        failures=0,
        created_at=NOON,
        reserved=False,
        items=items,
        reply_to=reply_to,
    )


def test_an_address_is_confirmed_from_a_digest_as_from_a_letter_of_its_own() -> None:
    asked = item("CONTACT_CONFIRM", about="user-1")
    token = tokens.sign(SECRET, "contact", "user-1", READER)
    link = f"https://factures.example/api/v1/messages/contact/confirm?token={token}"
    post = Post(settings(), None)
    for mail in (claimed("CONTACT_CONFIRM", asked), claimed("FLOOD", item("WEBHOOK_DOWN", file_name="h"), asked)):
        read = email.message_from_bytes(post.mail(mail, NOON).content, EmailMessage, policy=email.policy.default)
        for part in ("plain", "html"):
            body = read.get_body((part,))
            assert body is not None
            assert link in body.get_content()


def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


def test_whoever_answers_is_covered_by_the_signature() -> None:
    pem = key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    post = Post(settings(), Signer("chorale.example", "s", pem))
    mail = post.mail(claimed("WEBHOOK_DOWN", item("WEBHOOK_DOWN", file_name="h"), reply_to="c@ville.example"), NOON)
    read = email.message_from_bytes(mail.content, EmailMessage, policy=email.policy.default)
    signature = str(read["DKIM-Signature"]).replace(" ", "").lower()
    assert {"from", "to", "reply-to", "subject"} <= set(signature.partition(";h=")[2].partition(";")[0].split(":"))


def authority(path: Path, name: str) -> Path:
    made, own = key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = x509.CertificateBuilder().subject_name(own).issuer_name(own).public_key(made.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    built = built.not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path.write_bytes(built.sign(made, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def test_an_own_authority_is_trusted_beside_the_system_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority(tmp_path / "system.pem", "the system's")))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    mine = settings(smtp_ca_file=str(authority(tmp_path / "own.pem", "our own")))
    context = Link(mine, Relays(mine.relays()))._new(mine.relays()[0]).tls_context
    assert isinstance(context, ssl.SSLContext)
    names = {str(found["subject"]) for found in context.get_ca_certs()}
    assert len([name for name in names if "our own" in name or "the system's" in name]) == 2


@pytest.mark.parametrize(("text", "demanded"), [("smtp://u:p@h:587", True), ("smtp://h:25", None)])
def test_a_password_is_never_given_in_clear_unless_the_operator_says_so(text: str, demanded: bool | None) -> None:
    for suffix, wanted in (("", demanded), ("?tls=none", False)):
        mine = settings(smtp_relays=text + suffix)
        client = Link(mine, Relays(mine.relays()))._new(mine.relays()[0])
        assert client._start_tls_on_connect is wanted
