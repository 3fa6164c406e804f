"""From memberships, roles, offices and delegations to grants."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.events import Grant
from services.portal.member_grants import Holder, Member, Office, Place, Role, Stand, grants, normal

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SUPPLIER = Place(key="73282932000074")
BODY = Place(key="22060001900016", tenant="cd06")


def member(
    place: Place = SUPPLIER, side: str = "supplier", *, verified: bool = True, manager: str | None = None
) -> Member:
    return Member(place=place, side=side, verified=verified, manager=manager)


def role(name: str, place: Place = BODY, service: str | None = None, **dates: datetime) -> Role:
    return Role(
        place=place,
        side="body" if place.tenant else "supplier",
        role=name,
        service=service,
        since=dates.get("since"),
        until=dates.get("until"),
    )


def names(found: tuple[Grant, ...]) -> list[tuple[str, str | None, str | None]]:
    return [(grant.role, grant.structure, grant.tenant) for grant in found]


def test_an_unverified_person_may_deposit_and_nothing_else() -> None:
    assert names(grants(Holder(members=[member(verified=False)]), (), NOW)) == [("DEPOSANT", SUPPLIER.key, None)]


def test_a_verified_manager_of_a_supplier_is_supplier_and_manager() -> None:
    found = grants(Holder(members=[member(manager="principal")]), (), NOW)
    assert names(found) == [("FOURNISSEUR", SUPPLIER.key, None), ("GESTIONNAIRE", SUPPLIER.key, None)]


def test_at_a_body_a_role_names_its_tenant_unless_it_is_a_suppliers() -> None:
    holder = Holder(
        members=[member(BODY, "body", manager="secondaire")], roles=[role("AGENT", service="DRH"), role("FOURNISSEUR")]
    )
    assert grants(holder, (), NOW) == (
        Grant(role="FOURNISSEUR", structure=BODY.key),
        Grant(role="GESTIONNAIRE", structure=BODY.key, tenant="cd06"),
        Grant(role="AGENT", structure=BODY.key, service="DRH", tenant="cd06"),
    )


def test_a_suppliers_manager_does_not_manage_what_has_become_a_public_body() -> None:
    found = grants(Holder(members=[member(BODY, "supplier", manager="principal")]), (), NOW)
    assert names(found) == [("FOURNISSEUR", BODY.key, None)]


def test_what_a_supplier_gave_reads_nothing_that_a_body_receives() -> None:
    given = Role(place=BODY, side="supplier", role="LECTURE", service=None, since=None, until=NOW + DAY)
    assert names(grants(Holder(roles=[given]), (), NOW)) == [("LECTURE", BODY.key, None)]


def test_rights_at_a_successor_hold_under_the_old_siret_too() -> None:
    moved = Place(key="73282932000082", earlier=(SUPPLIER.key,))
    found = grants(Holder(members=[member(moved)]), (), NOW)
    assert names(found) == [("FOURNISSEUR", SUPPLIER.key, None), ("FOURNISSEUR", moved.key, None)]


def test_what_has_ended_is_left_out_and_what_is_to_come_is_there_with_its_dates() -> None:
    ended = role("FINANCE", until=NOW - DAY)
    coming = role("COMPTABLE", since=NOW + DAY, until=NOW + 2 * DAY)
    found = grants(Holder(roles=[ended, coming]), (), NOW)
    assert found == (Grant(role="COMPTABLE", structure=BODY.key, tenant="cd06", since=NOW + DAY, until=NOW + 2 * DAY),)


def test_who_stands_in_has_the_givers_rights_there_and_no_longer_than_he() -> None:
    giver = Holder(
        members=[member(manager="principal"), member(BODY, "body")],
        roles=[role("LECTURE", SUPPLIER, until=NOW + DAY), role("FINANCE")],
    )
    stand = Stand(giver=giver, key=SUPPLIER.key, since=NOW, until=NOW + 7 * DAY)
    found = grants(Holder(), [stand], NOW)
    assert {(g.role, g.structure, g.since, g.until) for g in found} == {
        ("FOURNISSEUR", SUPPLIER.key, NOW, NOW + 7 * DAY),
        ("GESTIONNAIRE", SUPPLIER.key, NOW, NOW + 7 * DAY),
        ("LECTURE", SUPPLIER.key, NOW, NOW + DAY),
    }


def test_an_unverified_giver_lends_nothing() -> None:
    stand = Stand(giver=Holder(members=[member(verified=False)]), key=SUPPLIER.key, since=NOW, until=NOW + DAY)
    assert grants(Holder(), [stand], NOW) == ()


def test_an_office_stands_outside_any_structure() -> None:
    found = grants(
        Holder(offices=[Office(role="TENANT_ADMIN", tenant="cd06"), Office(role="OPERATEUR", tenant=None)]), (), NOW
    )
    assert found == (Grant(role="OPERATEUR"), Grant(role="TENANT_ADMIN", tenant="cd06"))


def test_a_right_without_dates_makes_the_same_with_dates_superfluous() -> None:
    plain = Grant(role="FOURNISSEUR", structure=SUPPLIER.key)
    lent = Grant(role="FOURNISSEUR", structure=SUPPLIER.key, since=NOW, until=NOW + DAY)
    assert normal([lent, plain, plain], NOW) == (plain,)


_instants = st.none() | st.integers(-3, 3).map(lambda days: NOW + days * DAY)
_grants = st.builds(
    Grant,
    role=st.sampled_from(["FOURNISSEUR", "AGENT", "LECTURE"]),
    structure=st.sampled_from([SUPPLIER.key, BODY.key]),
    service=st.sampled_from([None, "DRH"]),
    since=_instants,
    until=_instants,
)


@given(st.lists(_grants, max_size=12), st.randoms())
def test_the_same_rights_in_any_order_are_the_same_entry(found: list[Grant], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert normal(found, NOW) == normal([*shuffled, *found], NOW)
