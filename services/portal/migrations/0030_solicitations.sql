-- Sollicitations: a question to support, to a public body's service or to a supplier, with the answers of both sides.
--
-- Each side is a kind of place and the place itself: a supplier, validator, works manager by its structure, a body by its
-- structure and perhaps one service of it. `tenant` is that of the body among the two, if there is one.
create table solicitation (
    id uuid primary key,
    number bigint generated always as identity unique,
    category text not null,
    subcategory text not null,
    title text not null,
    asker text not null check (asker in ('person', 'supplier', 'body', 'validator', 'moe', 'moa')),
    asker_structure text,
    asker_service text,
    addressee text not null check (addressee in ('support', 'body', 'supplier')),
    addressee_structure text,
    addressee_service text,
    tenant text,
    author text not null,
    invoice uuid,
    invoice_number text,
    supplier text,
    page text,
    state text not null default 'waiting' check (state in ('waiting', 'answered', 'closed')),
    turn integer not null default 1,
    entries integer not null default 0,
    days integer not null check (days > 0),
    asked_at timestamptz not null,
    due_at timestamptz,
    changed_at timestamptz not null,
    answered_at timestamptz,
    closed_at timestamptz,
    idempotency_key text,
    asked_digest text,
    check ((asker = 'person') = (asker_structure is null)),
    check ((addressee = 'support') = (addressee_structure is null)),
    check ((state = 'waiting') = (due_at is not null)),
    check ((state = 'closed') = (closed_at is not null)),
    check ((invoice is null) = (invoice_number is null))
);
create index solicitation_newest on solicitation (changed_at desc, id desc);
create index solicitation_author on solicitation (author, changed_at desc, id desc);
create index solicitation_asker on solicitation (asker_structure, changed_at desc) where asker_structure is not null;
create index solicitation_addressee on solicitation (addressee_structure, changed_at desc)
    where addressee_structure is not null;
create index solicitation_support on solicitation (changed_at desc, id desc) where addressee = 'support';
create index solicitation_invoice on solicitation (invoice) where invoice is not null;
create index solicitation_tenant on solicitation (tenant) where tenant is not null;
create unique index solicitation_once on solicitation (author, idempotency_key) where idempotency_key is not null;

-- What was written and what happened, in order and without a gap. `said` is blanked when its author is erased.
create table solicitation_entry (
    id uuid primary key,
    solicitation uuid not null references solicitation (id),
    entry integer not null check (entry > 0),
    act text not null check (act in ('asked', 'asked_again', 'answered', 'reminded', 'overdue', 'closed')),
    side text not null check (side in ('asker', 'addressee', 'platform')),
    author text,
    said text,
    at timestamptz not null,
    idempotency_key text,
    asked_digest text,
    unique (solicitation, entry),
    check ((side = 'platform') = (author is null))
);
create unique index solicitation_entry_once on solicitation_entry (author, idempotency_key)
    where idempotency_key is not null;

-- A file is sent first and joined to what is written then; one that is joined to nothing goes after a day.
create table solicitation_paper (
    id uuid primary key,
    owner text not null,
    solicitation uuid references solicitation (id),
    entry integer,
    file_name text not null,
    size bigint not null,
    document jsonb,
    sent_at timestamptz not null,
    check ((solicitation is null) = (entry is null))
);
create index solicitation_paper_of on solicitation_paper (solicitation, entry) where solicitation is not null;
create index solicitation_paper_loose on solicitation_paper (sent_at) where solicitation is null;

-- Who stands on a side sees it. The lists are those of the running request: rights at places, as everywhere.
create function solicitation_side(kind text, structure text, service text, tenant text) returns boolean
language sql stable as $$
    select case kind
        when 'support' then portal_operator()
        when 'supplier' then structure = any (portal_claimed('supplier_structures'))
        when 'validator' then structure = any (portal_claimed('validator_structures'))
        when 'moe' then structure = any (portal_claimed('moe_structures'))
        when 'moa' then structure = any (portal_claimed('moa_structures'))
        when 'body' then structure = any (portal_claimed('recipient_structures'))
            or (structure || '/' || service) = any (portal_claimed('recipient_services'))
            or tenant = any (portal_claimed('admin_tenants'))
        else false end
$$;
alter table solicitation enable row level security;
-- Whoever is not verified at a supplier sees what he asked for it himself; a right that is gone takes its questions along.
create policy seen on solicitation for select to chorale_portal_api using (
    (author = portal_subject() and (asker = 'person'
        or (asker = 'supplier' and asker_structure = any (portal_claimed('deposit_structures')))))
    or solicitation_side(asker, asker_structure, asker_service, tenant)
    or solicitation_side(addressee, addressee_structure, addressee_service, tenant));
alter table solicitation_entry enable row level security;
create policy seen on solicitation_entry for select to chorale_portal_api
    using (exists (select from solicitation s where s.id = solicitation));
alter table solicitation_paper enable row level security;
create policy seen on solicitation_paper for select to chorale_portal_api
    using (owner = portal_subject() or exists (select from solicitation s where s.id = solicitation));
grant select (id, number, category, subcategory, title, asker, asker_structure, asker_service, addressee,
    addressee_structure, addressee_service, tenant, author, invoice, invoice_number, supplier, page, state, turn, entries,
    days, asked_at, due_at, changed_at, answered_at, closed_at) on solicitation to chorale_portal_api;
grant select (id, solicitation, entry, act, side, author, said, at) on solicitation_entry to chorale_portal_api;
grant select (id, owner, solicitation, entry, file_name, size, document, sent_at) on solicitation_paper
    to chorale_portal_api;
