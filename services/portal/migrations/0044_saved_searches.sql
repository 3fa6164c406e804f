-- Searches that somebody keeps under a name, for one of the spaces of invoices: what stands in the address and no more.
create table saved_search (
    id uuid primary key,
    subject text not null,
    space text not null check (space in ('issued', 'received', 'to_validate', 'works')),
    name text not null check (name <> '' and length(name) <= 80),
    query text not null check (length(query) <= 2000),
    made_at timestamptz not null default now(),
    unique (subject, space, name)
);
alter table saved_search enable row level security;
create policy own on saved_search for select to chorale_portal_api using (own_account(subject));
grant select on saved_search to chorale_portal_api;
