"""The people of the browser tests: one for each place in front of the portal."""

from tests.browser.world import TOWN, Platform

TENANT = "cd06"


def furnish(platform: Platform) -> None:
    """Claire deposits for her workshop; Agnès works in a département's finances and manages it; Otto runs it all.

    Bruno manages a workshop of his own, to which Rita and Sonia want to belong (:mod:`tests.browser.offices`). Oscar
    has nothing but an account with a forgotten password; Wilma makes webhooks, Paco asks too often.
    A new area adds whom it needs.
    """
    for name, shown in (
        ("claire", "Claire Martin"),
        ("oscar", "Oscar Lefèvre"),
        ("agnes", "Agnès Dubois"),
        ("otto", "Otto Bernard"),
        ("bruno", "Bruno Verdier"),
        ("rita", "Rita Lopez"),
        ("sonia", "Sonia Petit"),
        ("wilma", "Wilma Kern"),
        ("paco", "Paco Ruiz"),
    ):
        platform.account(name, shown)
    platform.place("agnes", TOWN, ("FINANCE", None), manager="principal")
    platform.give("agnes", ("TENANT_ADMIN", TENANT))
    platform.give("otto", ("OPERATEUR", None))
