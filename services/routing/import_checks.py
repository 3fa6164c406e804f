"""What only all lines of an import together can tell: rules as statements over ``import_line``."""

_WHERE = " and $1::text[] is not null and $2::bool is not null and $3::text[] is not null order by line limit 200"
#: Rule, field, sentence, and the lines that break it (``value`` stands in the sentence). $1: the tenants that may be
#: touched; $2: whether only these may; $3: bodies (``siret/tenant``) of which the services may be touched besides.
CHECKS = (
    (
        "TWICE",
        "entree",
        "L'entrée {} est déjà sur une autre ligne.",
        "select file, number, key as value from ("
        " select *, row_number() over (partition by key order by line) as nth from import_line) l where nth > 1"
        + _WHERE,
    ),
    (
        "TENANT_UNKNOWN",
        "tenant",
        "Le tenant {} n'existe pas : créez-le d'abord, ou ajoutez-le au fichier.",
        "select file, number, tenant as value from import_line l where kind = 'structure'"
        " and not exists (select from tenant t where t.id = l.tenant)"
        " and not exists (select from import_line t where t.key = 'tenant:' || l.tenant)" + _WHERE,
    ),
    (
        "STRUCTURE_UNKNOWN",
        "siret",
        "La structure {} n'est ni dans l'annuaire ni dans le fichier : vérifiez ses 14 chiffres, sans espace (dans un"
        " tableur, mettez la colonne au format texte).",
        "select file, number, siret as value from import_line l where kind in ('service', 'engagement')"
        " and tenant is null" + _WHERE,
    ),
    (
        # Whoever could add any SIRET would receive the invoices of a body that is not here yet.
        "BODY_RESERVED",
        "siret",
        "La structure {} est d'un organisme que votre tenant n'a pas encore : l'opérateur l'ouvre.",
        "select file, number, siret as value from import_line l where kind = 'structure' and change = 'added' and $2"
        " and not exists (select from structure s where s.tenant = l.tenant and s.tenant = any ($1)"
        "  and s.siret between left(l.siret, 9) || '00000' and left(l.siret, 9) || '99999')" + _WHERE,
    ),
    (
        "TENANT_FOREIGN",
        "siret",
        "La structure {} n'est ni de votre tenant ni gérée par vous.",
        "select file, number, siret as value from import_line l where kind in ('service', 'engagement')"
        " and $2 and not tenant = any ($1)"
        " and not (l.kind = 'service' and l.siret || '/' || tenant = any ($3))" + _WHERE,
    ),
)
