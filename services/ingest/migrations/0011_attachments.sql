-- Files that go with a deposit. One row per content: the same file sent again is the same attachment.
create table attachment (
    id uuid primary key,
    deposit_id uuid not null references deposit (id),
    stored_by text not null check (stored_by <> ''),
    name text not null check (name <> ''),
    type text not null,
    label text,
    sha256 text not null,
    size bigint not null check (size > 0),
    media_type text not null,
    bucket text not null,
    object_key text not null,
    stored_at timestamptz not null,
    unique (deposit_id, sha256)
);

-- The deposit that the asker may add attachments to and see those of: his own and, once it is an invoice, one that was
-- made in the name of a structure of his. A function of the owner's, so that of another's deposit nothing else is seen;
-- its path names temporary tables last, so that nobody puts one of his own in the place of a table.
select set_config('search_path', current_schema() || ', pg_temp', true);
create function attaching(asked uuid)
    returns table (state text, depositor text, document_size bigint)
    language sql stable security definer set search_path from current
as $$
    select d.state, d.depositor, d.size from deposit d
    where d.id = asked and (
        d.depositor = current_setting('chorale.subject', true)
        or (
            d.state = 'submitted'
            and d.issuer = any(string_to_array(current_setting('chorale.structures', true), ','))
            and string_to_array(current_setting('chorale.roles', true), ',') && array['FOURNISSEUR', 'MOE', 'MOA']
        )
    )
$$;
revoke all on function attaching (uuid) from public;
grant execute on function attaching (uuid) to chorale_ingest_api;

alter table attachment enable row level security;
create policy party_read on attachment for select to chorale_ingest_api
    using (exists (select from attaching(deposit_id)));
-- A signed link names one attachment, and opens that one alone.
create policy link_read on attachment for select to chorale_ingest_api
    using (id::text = current_setting('chorale.attachment', true));
create policy party_add on attachment for insert to chorale_ingest_api
    with check (
        stored_by = current_setting('chorale.subject', true)
        and exists (select from attaching(deposit_id) a where a.state in ('received', 'to_verify', 'submitted'))
    );
grant select, insert on attachment to chorale_ingest_api;
