"""Rules of `docs/security.md` that the code itself shows: what is compared how, what is never called, what is said."""

import ast
import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pydantic_settings import BaseSettings

import services.ingest.settings
import services.notify.settings
import services.ocr.settings
import services.portal.settings
import services.routing.settings
import services.status.settings  # noqa: F401 - each makes its settings known
from services.common import telemetry
from services.common.downloads import download_headers
from services.portal import audit, personal_page

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "services").rglob("*.py"))
SECRET = re.compile(r"secret|password|token|signature|(^|_)mac(_|$)|digest|otp|csrf|verifier|hmac|challenge", re.I)
#: What is compared with == although it is called so, and why nobody learns anything from how long it takes.
NO_SECRET = {
    "hashlib.sha256(content).hexdigest() != claim.sha256": "the hash of a stored file",
    "known[name] != digest": "the hash of a migration",
    "name == 'token_secret'": "a setting's name",
    "signature['algorithm'] == 'Ed25519'": "the name of an algorithm",
    "secret.kind == 'hmac'": "the kind of a secret",
    "self.kind == 'hmac'": "the kind of a secret",
    "len(tokens) != 1": "words of a document",
    "tokens[0].text != 'n°'": "words of a document",
    "keyword.text[token.start:token.end].lower() == 'dû'": "words of a document",
    "len(raw) != 16 + _MAC": "a length",
    "known.digest != asked": "the hash of one's own earlier request",
    "known.digest != digest": "the hash of one's own earlier request",
    "row['asked_digest'] != request.digest": "the hash of one's own earlier request",
    "each['sha256'] == digest": "the hash of a file in a certificate",
    "secret['state'] == 'active'": "the state of a secret",
    "form.text('signature') == 'ed25519'": "the kind of a signature",
    "hashlib.sha256(bytes.fromhex(before) + digest_of(line)).hexdigest() == line.chain": "a published chain",
}
FORBIDDEN = {
    "eval",
    "exec",
    "pickle.load",
    "pickle.loads",
    "marshal.loads",
    "os.system",
    "tempfile.mktemp",
    "hashlib.md5",
    "hashlib.sha1",
    "random.choice",
    "random.randint",
    "random.randbytes",
    "ssl._create_unverified_context",
}
#: Where a browser is sent on to, and where that address comes from.
REDIRECTS = {
    "path": "an address of the pages, or one that services.portal.pages.page.local has found to be within the platform",
    "assets.url('icon-192.png')": "a file of the portal",
    "begun.url": "the provider's own metadata, of the issuer in the settings",
    "f'{self._parts.settings.public_url}/'": "a setting",
    "f'{parts.settings.public_url}{ticket.data[_THEN]}'": "a setting and a checked path (solicitation_views.PATH)",
}


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield str(path.relative_to(ROOT)), node


def _words(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def test_nothing_secret_is_compared_in_a_time_that_tells() -> None:
    found = {
        (path, ast.unparse(node))
        for path, node in _nodes()
        if isinstance(node, ast.Compare)
        and any(isinstance(operation, ast.Eq | ast.NotEq) for operation in node.ops)
        and any(SECRET.search(word) for word in _words(node) if len(word) < 40)
    }
    assert {case for case in found if case[1] not in NO_SECRET} == set(), "compare with hmac.compare_digest"
    assert set(NO_SECRET) <= {text for _, text in found}, "an exception that nothing needs any more"


def test_nothing_is_called_that_runs_what_comes_or_hides_little() -> None:
    calls = [(path, node) for path, node in _nodes() if isinstance(node, ast.Call)]
    assert [(path, ast.unparse(node)) for path, node in calls if ast.unparse(node.func) in FORBIDDEN] == []
    words = {
        (path, keyword.arg, ast.unparse(keyword.value))
        for path, node in calls
        for keyword in node.keywords
        if (keyword.arg, ast.unparse(keyword.value)) in {("shell", "True"), ("verify", "False"), ("ssl", "False")}
    }
    assert words == set()


def test_no_request_that_we_make_is_sent_on_elsewhere_by_its_answer() -> None:
    followed = [
        (path, ast.unparse(node)[:80])
        for path, node in _nodes()
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in ("follow_redirects", "allow_redirects") and ast.unparse(keyword.value) != "False"
    ]
    assert followed == []


def test_a_browser_is_sent_only_to_addresses_of_settings() -> None:
    sent = {
        ast.unparse(node.args[0])
        for _, node in _nodes()
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("RedirectResponse") and node.args
    }
    assert sent <= set(REDIRECTS)
    locations = [
        (path, match)
        for path in SOURCES
        for match in re.findall(r'"[Ll]ocation"\]?(?: =|:) (.{0,30})', path.read_text("utf-8"))
    ]
    assert [case for case in locations if not case[1].startswith('f"{PREFIX}/')] == []


def test_every_secret_of_every_setting_is_kept_out_of_logs() -> None:
    def classes(of: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
        for found in of.__subclasses__():
            yield found
            yield from classes(found)

    named = re.compile(r"(secret|password|_dsn|^dsn|keys?)$")
    plain = {
        f"{found.__name__}.{name}"
        for found in classes(BaseSettings)
        if found.__module__.startswith("services.")
        for name, field in found.model_fields.items()
        if named.search(name) and SecretStr.__name__ not in str(field.annotation)
    }
    # An access key names who asks; what proves it is the secret key.
    assert {case for case in plain if not case.endswith(".s3_access_key")} == set()


@given(st.text(max_size=120))
def test_no_name_of_a_file_gets_out_of_its_header(name: str) -> None:
    value = download_headers(name, "0" * 64)["Content-Disposition"]
    assert value.isascii()
    assert value.isprintable()
    found = re.fullmatch(r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''([A-Za-z0-9%._~-]*)", value)
    assert found is not None


HOSTILE = ["a\nb", "a\r\nlevel=info", 'x"} {"event":"forged', "a\x1b[31mb", "a\u2028b", "a\x00b", "\ud800"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_value_forges_a_line_of_a_log(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    before = logging.getLogger().handlers[:], logging.getLogger().level, structlog.get_config()
    try:
        telemetry.configure("test", "INFO")
        telemetry.logger().info("deposit.stored", file_name=name)
        logging.getLogger("a.library").warning("it said %s", name)
    finally:
        logging.getLogger().handlers[:], level = before[0], before[1]
        logging.getLogger().setLevel(level)
        structlog.configure(**before[2])
        structlog.contextvars.clear_contextvars()
    lines = out.getvalue().split("\n")
    assert lines[-1] == ""
    records = [json.loads(line) for line in lines[:-1]]
    assert len(records) == 2
    assert records[0]["file_name"] == name
    assert all(ord(c) >= 32 and c not in "\x7f\u2028\u2029" for line in lines for c in line)


@pytest.mark.parametrize("detail", ["claire@menuiserie.example", "x" * 201, "a\nb", ["ok", "a@b"]])
async def test_the_audit_trail_takes_codes_and_no_words_of_anybody(detail: str | list[str]) -> None:
    with pytest.raises(ValueError, match="personal data"):
        await audit.write(
            None,  # type: ignore[arg-type]
            at=None,  # type: ignore[arg-type]
            actor="person:x",
            action="software.made",
            details={"what": detail},
        )


def test_every_file_and_test_that_the_security_page_names_is_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    paths = set(re.findall(r"`((?:services|tests|invoice|deploy|contracts|docs)/[\w./*-]+)`", page))
    assert len(paths) > 30
    assert sorted(path for path in paths if not list(ROOT.glob(path))) == []
    for path, name in re.findall(r"`(tests/[\w./-]+\.py)::(\w+)`", page):
        assert f"def {name}(" in (ROOT / path).read_text("utf-8"), name


def test_the_page_on_personal_data_is_what_the_register_says() -> None:
    assert personal_page.page() == (ROOT / personal_page.PAGE).read_text("utf-8")
