"""The people of the demo: suppliers with SIRETs that pass the check and that nobody has, and who works for whom."""

from typing import Final, Literal, NamedTuple


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
VIDAL = Supplier(
    "Vidal Architectes SARL", "99900005200012", "8 quai Lunel", "06300 Nice", "agence@vidal-architectes.example"
)

SUPPLIERS = (ATELIER, GARONNE, RIVE)
TENANT: Final = "cd06"
TOWN: Final = "22060001900016"
WORKS_OWNER: Final = "20002983300015"
#: Four words that nobody needs to remember: the demo prints them.
PASSWORD: Final = "quatre chats verts dansent"

Office = Literal["OPERATEUR", "TENANT_ADMIN"]


class Person(NamedTuple):
    """Somebody with an account. ``key``: how the demo calls him; ``label``: what he is, in French.

    ``supplier``: whose account he opens himself. ``body``: who invites him, with ``roles`` (role and service there) and
    ``manager``. ``office``: what the operator makes of him. ``factor``: a second factor is set up.
    """

    key: str
    label: str
    name: str
    email: str
    supplier: Supplier | None = None
    body: str | None = None
    roles: tuple[tuple[str, str | None], ...] = ()
    manager: Literal["principal"] | None = None
    office: Office | None = None
    factor: bool = False


OPERATOR: Final = Person(
    "exploitant", "Exploitant", "Otto Bernard", "otto.bernard@chorale.example", office="OPERATEUR", factor=True
)
PEOPLE: Final = (
    Person("artisan", "Artisan, fournisseur", "Paul Renard", "paul.renard@atelier-berthier.example", ATELIER),
    Person(
        "comptabilite",
        "Comptabilité d'un fournisseur, avec un logiciel ; valide ses sous-traitants",
        "Inès Moreau",
        "ines.moreau@garonne-services.example",
        GARONNE,
        roles=(("VALIDATEUR", None),),
    ),
    Person("sous-traitant", "Sous-traitant", "Marc Leroy", "marc.leroy@editions-rive.example", RIVE),
    Person(
        "moe",
        "Maître d'œuvre",
        "Claire Vidal",
        "claire.vidal@vidal-architectes.example",
        VIDAL,
        roles=(("MOE", None),),
    ),
    Person(
        "gestionnaire",
        "Gestionnaire de la structure publique",
        "Agnès Dubois",
        "agnes.dubois@alpes-maritimes.example",
        body=TOWN,
        roles=(("FINANCE", None),),
        manager="principal",
    ),
    Person(
        "agent",
        "Agent d'un service (DRH)",
        "Samir Haddad",
        "samir.haddad@alpes-maritimes.example",
        body=TOWN,
        roles=(("AGENT", "DRH"),),
    ),
    Person(
        "comptable",
        "Comptable public",
        "Louise Perrin",
        "louise.perrin@alpes-maritimes.example",
        body=TOWN,
        roles=(("COMPTABLE", None),),
    ),
    Person(
        "controle",
        "Contrôle externe de la structure publique, en lecture seule",
        "Karim Benali",
        "karim.benali@controle.example",
        body=TOWN,
        roles=(("LECTURE", None),),
    ),
    Person(
        "moa",
        "Maître d'ouvrage",
        "Bruno Teissier",
        "bruno.teissier@valdeblore.example",
        body=WORKS_OWNER,
        roles=(("MOA", None),),
        manager="principal",
    ),
    Person(
        "administration",
        "Administration du département",
        "Hélène Astier",
        "helene.astier@alpes-maritimes.example",
        body=TOWN,
        roles=(("FINANCE", None),),
        office="TENANT_ADMIN",
        factor=True,
    ),
)
