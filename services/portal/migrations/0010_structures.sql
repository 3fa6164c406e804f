-- What the portal keeps of the directory: tenants, public structures and their services. Latest versions only; a deletion
-- is a version too.
create table public_tenant (
    id text primary key,
    name text not null,
    version bigint not null,
    deleted boolean not null
);
create table public_structure (
    siret text primary key,
    tenant text not null,
    name text not null,
    town text,
    postal_code text,
    active boolean not null,
    version bigint not null,
    deleted boolean not null
);
create index public_structure_tenant on public_structure (tenant) where not deleted;
create index public_structure_name on public_structure (lower(name)) where not deleted;
create table public_service (
    siret text not null,
    code text not null,
    label text not null,
    active boolean not null,
    version bigint not null,
    deleted boolean not null,
    primary key (siret, code)
);

-- The establishments of a file of INSEE, where one was loaded: fields are prefilled from it, nothing depends on it.
create table sirene_establishment (
    siret text primary key,
    name text,
    street text,
    complement text,
    postal_code text,
    town text,
    active boolean not null
);

-- A structure by one of its seven identifiers. `key` is how rights name it: a SIRET as it is, any other identifier behind
-- its type, so that no two types meet; that of a private person, who has no other name, is this row's id.
create table structure (
    id uuid primary key,
    kind text not null check (kind in
        ('SIRET', 'UE_HORS_FRANCE', 'HORS_UE', 'RIDET', 'TAHITI', 'AUTRE', 'PARTICULIER')),
    identifier text not null,
    written text not null,
    key text not null unique,
    name text not null,
    street text,
    complement text,
    postal_code text,
    town text,
    country text not null default 'FR',
    iban text,
    bic text,
    holder text,
    prefilled text[] not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    changed_at timestamptz not null,
    unique (kind, identifier)
);
create index structure_name on structure (lower(name)) where kind <> 'PARTICULIER';
create index structure_digits on structure using btree (identifier text_pattern_ops) where kind = 'SIRET';

-- One company's new identifier: whoever has rights at the successor has them at the old one too, so that old invoices stay
-- visible. The first structure's managers ask; the successor's accept where there are any, else the operator.
create table succession (
    id uuid primary key,
    old uuid not null references structure (id),
    new uuid not null references structure (id),
    state text not null check (state in ('asked', 'done', 'refused')),
    asked_by text not null,
    asked_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    reason text,
    check (old <> new),
    check ((state = 'asked') = (decided_at is null))
);
create unique index succession_of on succession (old) where state in ('asked', 'done');
create index succession_to on succession (new);
create index sirene_name on sirene_establishment (lower(name));
create index public_structure_digits on public_structure (siret text_pattern_ops) where not deleted;
create index sirene_digits on sirene_establishment (siret text_pattern_ops);
