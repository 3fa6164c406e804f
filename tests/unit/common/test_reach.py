"""Whose things are shown: everybody's to the operator, those of his tenants to an administrator, nothing to others."""

import pytest

from services.common.auth import Grant, Principal
from services.common.principal import of_grants
from services.common.reach import tenants_of
from services.common.web import Problem

OPERATOR = Principal(subject="op", roles=("OPERATEUR",))
ADMIN = of_grants("ada", [Grant(role="TENANT_ADMIN", tenant="ville"), Grant(role="TENANT_ADMIN", tenant="dep")])
CLERK_ELSEWHERE = of_grants(
    "eve", [Grant(role="TENANT_ADMIN", tenant="ville"), Grant(role="AGENT", structure="1", service="A", tenant="dep")]
)


def test_an_operator_reaches_all_and_an_administrator_his_tenants() -> None:
    assert tenants_of(OPERATOR, None) is None
    assert tenants_of(OPERATOR, "ville") == ("ville",)
    assert tenants_of(ADMIN, None) == ("ville", "dep")
    assert tenants_of(ADMIN, "dep") == ("dep",)


def test_a_role_in_another_tenant_does_not_open_it() -> None:
    assert tenants_of(CLERK_ELSEWHERE, None) == ("ville",)
    with pytest.raises(Problem) as raised:
        tenants_of(CLERK_ELSEWHERE, "dep")
    assert (raised.value.status, raised.value.code) == (404, "TENANT_UNKNOWN")


@pytest.mark.parametrize(
    "stranger",
    [
        Principal(subject="s", roles=("FOURNISSEUR",), structures=("1",)),
        Principal(subject="t", tenants=("ville",)),
        Principal(subject="r", roles=("TENANT_ADMIN",)),
    ],
    ids=lambda one: str(one.subject),
)
def test_others_reach_nothing(stranger: Principal) -> None:
    for tenant in (None, "ville"):
        with pytest.raises(Problem) as raised:
            tenants_of(stranger, tenant)
        assert raised.value.status == 403
