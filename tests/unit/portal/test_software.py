"""What a structure's software may hold, how a token request is read, and what the documentation shows of it."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote_plus, urlencode
from uuid import uuid4

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from invoice.rights import ROLES, SCOPES, opened_by
from services.portal import audit_api, oauth_api, software_api, software_domain, software_views, usage_sums
from services.portal.oauth_requests import OAuthError, read
from services.portal.software_domain import Place, Refused, granted, notices, roles_at
from services.portal.software_examples import EXAMPLES

FORM = "application/x-www-form-urlencoded"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MODELS: dict[str, Any] = {
    "GET /api/v1/accounts/software": software_views.SoftwarePage,
    "POST /api/v1/accounts/software": software_views.SoftwareView,
    "GET /api/v1/accounts/software/{client_id}": software_views.SoftwareView,
    "PATCH /api/v1/accounts/software/{client_id}": software_views.SoftwareView,
    "POST /api/v1/accounts/software/{client_id}/secrets": software_views.ShownSecret,
    "GET /api/v1/accounts/software/{client_id}/usage": usage_sums.UsageReport,
    "GET /api/v1/accounts/usage": usage_sums.UsageReport,
    "GET /api/v1/accounts/audit": audit_api.AuditPage,
}


def test_a_key_is_described_as_its_route_uses_it() -> None:
    app, nothing = FastAPI(), cast(Any, None)
    software_api.add_routes(app, nothing, nothing)
    at = "/api/v1/accounts/software"
    account, secret = (app.openapi()["paths"][path]["post"] for path in (at, f"{at}/{{client_id}}/secrets"))
    keys = [next(each for each in one["parameters"] if each["name"] == "Idempotency-Key") for one in (account, secret)]
    assert ["une heure" in key["description"] for key in keys] == [False, True]
    assert keys[0]["schema"]["anyOf"] == keys[1]["schema"]["anyOf"]


def test_every_example_is_an_answer() -> None:
    assert EXAMPLES.keys() == MODELS.keys()
    for route, model in MODELS.items():
        found = TypeAdapter(model).validate_python(EXAMPLES[route])
        assert TypeAdapter(model).dump_python(found, mode="json") == EXAMPLES[route], route


@pytest.mark.parametrize("tenant", [None, "cd06"])
@pytest.mark.parametrize("supplier", [True, False])
def test_no_structure_gives_its_software_a_right_to_administer(tenant: str | None, supplier: bool) -> None:
    roles = roles_at(Place(structure="1", tenant=tenant, supplier=supplier))
    assert set(roles) <= set(ROLES)
    assert not set(roles) & {"GESTIONNAIRE", "TENANT_ADMIN", "OPERATEUR", "SERVICE", "DEPOSANT"}
    assert ("FOURNISSEUR" in roles) == (supplier or tenant is None)
    assert ("COMPTABLE" in roles) == (tenant is not None)


def test_no_scope_opens_the_routes_of_accounts() -> None:
    for path in ("software", "structures", "sessions", "me", "audit"):
        for method in ("GET", "POST", "DELETE"):
            assert opened_by(method, f"/api/v1/accounts/{path}") == ()
    assert opened_by("GET", "/internal/ingest/usage") == ()
    assert oauth_api.metadata("https://x")["scopes_supported"] == list(SCOPES)


def test_a_limit_is_lowered_by_its_manager_and_raised_by_the_operator_alone() -> None:
    assert software_domain.limits(5, 600, operator=False, field="f") == 5
    assert software_domain.limits(None, 600, operator=False, field="f") is None
    assert software_domain.limits(6000, 600, operator=True, field="f") == 6000
    with pytest.raises(Refused):
        software_domain.limits(601, 600, operator=False, field="f")


@pytest.mark.parametrize(("days", "left"), [(365, [30, 7, 1]), (30, [7, 1]), (8, [7, 1]), (2, [1]), (1, [])])
def test_a_short_lived_secret_is_announced_as_often_as_there_is_time(days: int, left: list[int]) -> None:
    assert [one for one, _ in notices(NOW + timedelta(days=days), NOW)] == left


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        (None, ("a.read", "b.write")),
        ("b.write", ("b.write",)),
        ("b.write a.read b.write", ("b.write", "a.read")),
        ("c.read", None),
        ("", None),
        ("a.read ", None),
        ("a.read\tb.write", None),
    ],
)
def test_a_token_has_the_scopes_asked_for_and_no_other(asked: str | None, got: tuple[str, ...] | None) -> None:
    assert granted(asked, {"a.read", "b.write"}) == got


def test_a_secret_with_signs_that_forms_encode_is_read_from_both_places() -> None:
    client, secret = uuid4(), "a+b c%:=&é"
    coded = base64.b64encode(f"{client}:{quote_plus(secret)}".encode()).decode()
    body = urlencode({"grant_type": "client_credentials"}).encode()
    by_header = read(FORM, f"Basic {coded}", body)
    given = {"grant_type": "client_credentials", "client_id": str(client), "client_secret": secret}
    by_form = read(f"{FORM}; charset=utf-8", "", urlencode(given).encode())
    assert (by_header.client, by_header.secret) == (by_form.client, by_form.secret) == (client, secret)


@given(st.binary(max_size=300), st.text(max_size=60), st.text(max_size=40))
def test_nothing_that_comes_is_worse_than_refused(body: bytes, header: str, kind: str) -> None:
    for content_type in (FORM, kind):
        with pytest.raises(OAuthError) as refused:
            read(content_type, header, body)
        assert refused.value.status in (400, 401)
        assert refused.value.description.isascii()
