"""The suppliers of the demo: invented, with SIRETs that pass the check and that nobody has."""

from typing import NamedTuple


class Supplier(NamedTuple):
    """A supplier who deposits: its SIRET is the structure that its account may act for."""

    name: str
    siret: str
    street: str
    city: str
    contact: str


ATELIER = Supplier(
    "Atelier Berthier SARL",
    "99900001100018",
    "14 rue des Fabriques",
    "31000 Toulouse",
    "compta@atelier-berthier.example",
)
GARONNE = Supplier(
    "Garonne Services SAS",
    "99900002900010",
    "3 place de la Mairie",
    "31200 Toulouse",
    "factures@garonne-services.example",
)
RIVE = Supplier(
    "Éditions Rive EURL", "99900003700013", "120 avenue du Port", "06000 Nice", "rive@editions-rive.example"
)

SUPPLIERS = (ATELIER, GARONNE, RIVE)
