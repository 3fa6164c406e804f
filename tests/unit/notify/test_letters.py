"""What a reader gets, and that nothing on an invoice can change more than the words."""

import email
import email.policy
from datetime import UTC, date, datetime
from decimal import Decimal
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.findings import Finding, Suggestion
from services.notify import cli, matrix_page
from services.notify.compose import Envelope, compose, encode_words
from services.notify.digests import Part, render_many
from services.notify.domain import Facts, Language
from services.notify.letter_examples import NAMES, example
from services.notify.letter_examples import facts as example_facts
from services.notify.letters import LAYOUT, LETTERS, Letter, names_in, render
from services.notify.matrix import WORDED, Rule
from services.notify.store import CARRIERS
from services.notify.telling import told
from tests.unit.notify import snapshots
from tests.unit.notify.samples import NOON, REASON, changed

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NASTY = "F-1\r\nBcc: victim@x.example\n\n<script>alert(1)</script>\u2028\x00"
#: The words that portal gives with the letters it asks for, and those of a sollicitation.
GIVEN = {name for rule in WORDED if rule.account for name in names_in(rule.kind, rule.audience)} - {"day"}
GIVEN |= {"solicitation", "reference", "category", "category_en"}


def envelope(**changes: str) -> Envelope:
    values = {
        "sender": "Chorale – Département <ne-pas-repondre@chorale.example>",
        "recipient": "compta@fournisseur.example",
        "message_id": "<7d9f@chorale.example>",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    return Envelope(**{**values, **changes})


def parsed(letter: Letter, **changes: str) -> EmailMessage:
    content = compose(letter, envelope(**changes), NOW)
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    return email.message_from_bytes(content, EmailMessage, policy=email.policy.default)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_every_cell_of_the_matrix_has_its_words_in_both_languages_and_no_words_are_left_over() -> None:
    assert set(LETTERS["fr"]) == set(LETTERS["en"]) == set(NAMES)
    assert set(LAYOUT["fr"]) == set(LAYOUT["en"])


def test_every_message_reads_as_its_snapshot_says() -> None:
    """`python -m tests.unit.notify.snapshots` writes the file again; its difference is what to read."""
    assert snapshots.FILE.read_text("utf-8") == snapshots.everything()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("rule", WORDED, ids=lambda rule: rule.name)
def test_every_letter_says_which_invoice_what_happened_and_the_one_thing_to_do(rule: Rule, language: Language) -> None:
    letter = example(rule.name, language)
    facts = example_facts(rule.kind)
    named = facts.number or facts.file_name or facts.about or facts.heading or ""
    if language == "en" and facts.heading_en:
        named = facts.heading_en
    if rule.kind not in ("ACCOUNT_ACTIVATION", "CONTACT_CONFIRM"):
        assert named in letter.subject
    for part in (letter.text, letter.html):
        assert part.count(LAYOUT[language]["act"]) == 1
        assert "https://factures.example/" in part
        assert "{{" not in part
    for reason in facts.reasons:
        assert reason.action is not None
        assert reason.action in letter.text


def test_what_may_have_been_meant_stands_under_its_reason_in_text_and_html() -> None:
    sentence = "Vouliez-vous dire DRH (Ressources humaines) ? Un seul signe diffère."
    meant = Suggestion(field="service_code", value="DRH", confidence=0.8, why="NEAR_CODE", sentence=f"{sentence}\n<b>")
    reason = msgspec.structs.replace(REASON, suggestions=(meant,))
    for kind in ("A_RECYCLER", "DRAFT_SAVED", "DEPOSIT_REFUSED"):
        letter = render(kind, "supplier", Facts(at=NOON, reasons=(reason,)), "an-id", None)
        assert f"   {sentence} <b>\n" in letter.text
        assert f"<br>{sentence} &lt;b&gt;</li>" in letter.html


@pytest.mark.parametrize("name", sorted(NAMES))
def test_only_what_may_be_switched_off_says_how(name: str) -> None:
    rule, letter = NAMES[name], example(name)
    optional = rule.optional if rule is not None else name != "GATHERED"
    assert ("unsubscribe" in letter.text) == ("unsubscribe" in letter.html) == optional


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", sorted(NAMES))
def test_text_and_html_say_the_same_and_no_picture_is_needed(name: str, language: Language) -> None:
    class Words(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag != "img"
            assert not any(name in ("src", "background", "srcset") for name, _ in attrs)

        def handle_data(self, data: str) -> None:
            self.found += data.split()

    letter, words = example(name, language), Words()
    words.feed(letter.html)
    said, layout = LETTERS[language][name], LAYOUT[language]
    before_a_colon = f"{said.link} {layout['why']} {layout['unsubscribe']}"
    assert set(words.found) <= {*letter.text.split(), *before_a_colon.split()}


def test_a_carrier_names_every_invoice_by_its_number() -> None:
    letter = example("GATHERED")
    assert [letter.text.count(f"F-2026-004{n} – ") for n in range(3)] == [1, 1, 1]
    assert [letter.html.count(f"F-2026-004{n} – ") for n in range(3)] == [1, 1, 1]
    assert letter.subject == "3 avis : F-2026-0040 … F-2026-0042"


def test_a_digest_says_of_an_invoice_only_what_became_of_it_last() -> None:
    facts = example_facts("DEPOSEE")
    parts = [Part(kind=kind, audience="supplier", subject="one", facts=facts) for kind in ("DEPOSEE", "MANDATEE")]
    letter = render_many("DAILY", parts, NOW, None)
    assert "L'ordre de payer est émis (1)" in letter.text
    assert "est déposée" not in letter.text
    assert letter.subject == "Facture F-2026-0042 : mandatée"


def test_an_announcement_keeps_its_paragraphs_and_gains_no_markup() -> None:
    facts = Facts(at=NOW, heading="Bonjour", words="Un.\n\nDeux <b>gras</b>.\r\nTrois.")
    letter = render("ANNOUNCEMENT", "person", facts, "id", None)
    assert "Un.\n\nDeux <b>gras</b>.\nTrois.\n" in letter.text
    assert "<p>Deux &lt;b&gt;gras&lt;/b&gt;.</p>" in letter.html


def test_an_example_is_printed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["preview", "A_RECYCLER/supplier"]) == 0
    assert capsys.readouterr().out.startswith("Facture F-2026-0042 : adresse à corriger")
    assert cli.run(["preview", "A_RECYCLER/supplier", "--html"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    assert cli.run(["preview", "GATHERED", "--english"]) == 0
    assert capsys.readouterr().out.startswith("3 notices: F-2026-0040")
    with pytest.raises(SystemExit):
        cli.run(["preview", "NOTHING"])


def test_the_page_of_the_matrix_is_current() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "messages.md"
    assert page.read_text("utf-8") == matrix_page.page(), "python -m services.notify matrix > docs/messages.md"


def test_a_mail_reads_back_as_it_was_meant() -> None:
    what = told(changed())
    assert what is not None
    letter = render("MISE_A_DISPOSITION", "body", what.facts, "the-id", "https://f.example")
    mail = parsed(letter)
    assert (
        str(mail["Subject"])
        == letter.subject
        == "Facture F-2026-001 à traiter : 1\u202f234,50\u00a0€, fournisseur 999 000 011 00018"
    )
    assert mail["To"] == "compta@fournisseur.example"
    assert mail["From"].addresses[0].display_name == "Chorale – Département"
    assert mail["Message-ID"] == "<7d9f@chorale.example>"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert mail.get_content_type() == "multipart/alternative"
    assert body(mail, "plain").splitlines() == letter.text.splitlines()
    assert body(mail, "html").splitlines() == letter.html.splitlines()
    assert "https://f.example/factures/the-id" in letter.text


def test_nothing_written_on_an_invoice_adds_a_header_or_markup() -> None:
    reason = Finding(code="X", level="refuse", message=NASTY, action=NASTY)
    facts = Facts(
        at=NOW,
        number=NASTY,
        issue_date=date(2026, 3, 1),
        payable=Decimal("1.00"),
        currency=NASTY,
        supplier_siret=NASTY,
        recipient_siret=NASTY,
        recipient_name=NASTY,
        service_code=NASTY,
        service_label=NASTY,
        file_name=NASTY,
        heading=NASTY,
        heading_en=NASTY,
        words=NASTY.replace("\n", " "),
        about=NASTY,
        reasons=(reason,),
        values=dict.fromkeys(GIVEN, NASTY),
    )
    plain = parsed(example("MISE_A_DISPOSITION/supplier"))
    parts = [Part(kind=rule.kind, audience=rule.audience, subject="id", facts=facts) for rule in WORDED]
    letters = [render(rule.kind, rule.audience, facts, "id", "https://f.example") for rule in WORDED]
    for letter in [*letters, *(render_many(name, parts, NOW, None) for name in CARRIERS)]:
        mail = parsed(letter)
        assert mail.keys() == plain.keys()
        assert "<script" not in body(mail, "html")
        assert not any(line.startswith("Bcc") for line in body(mail, "plain").splitlines())


@pytest.mark.parametrize("field", ["recipient", "message_id", "traceparent"])
def test_a_header_with_a_line_break_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        compose(Letter("s", "t", "h"), envelope(**{field: "x\r\nBcc: y@z.example"}), NOW)


@given(st.text(max_size=400))
def test_any_subject_survives_the_way_through_a_mail(text: str) -> None:
    words = encode_words(text)
    assert words.isascii()
    if not any(0xD800 <= ord(c) < 0xE000 for c in text):
        from email.header import decode_header, make_header

        assert str(make_header(decode_header(words))) == text or "=?" not in words


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_way_through_a_mail(text: str, markup: str) -> None:
    mail = parsed(Letter("s", text, markup))
    for kind, sent in (("plain", text), ("html", markup)):
        expected = sent.replace("\r\n", "\n").rstrip("\n")
        got = body(mail, kind).replace("\r\n", "\n").rstrip("\n")
        assert got.replace("\r", "\n") == expected.replace("\r", "\n")


def test_without_pages_a_letter_has_a_reference_and_no_link() -> None:
    for rule in WORDED:
        facts = Facts(at=NOW, number="F-1", file_name="f.pdf", values=dict.fromkeys(GIVEN, "x"))
        letter = render(rule.kind, rule.audience, facts, "the-id", None)
        assert "http" not in letter.text
        assert "href" not in letter.html
        assert "Référence : the-id" in letter.text
        assert "the-id" in letter.html


def test_what_is_optional_says_how_to_end_it_in_one_click() -> None:
    letter = Letter("s", "t", "h")
    assert "List-Unsubscribe" not in parsed(letter)
    mail = parsed(letter, unsubscribe="https://f.example/u?token=abc")
    assert mail["List-Unsubscribe"] == "<https://f.example/u?token=abc>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
