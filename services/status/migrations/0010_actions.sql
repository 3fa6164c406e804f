-- What people do: entries of a new kind, with who asked, why, and what changed. `by_subject` is for the record, not for
-- the API: the other side learns the role, never the person.
alter table history drop constraint history_kind_check;
alter table history add constraint history_kind_check check (kind in ('status', 'notice', 'delay', 'action'));
alter table history
    add column action text,
    add column motif text,
    add column comment text,
    add column by_subject text,
    add column changes jsonb not null default '[]',
    add check (kind <> 'action' or action is not null);
grant select (action, motif, comment, changes) on history to chorale_status_api;

-- `version` is the last entry that is a status or an action: what an action names as its If-Match. A mail that a relay
-- takes meanwhile is history too, and nobody's work is lost by it.
alter table invoice add column version integer not null default 1;
update invoice set version = coalesce(
    (select max(entry) from history h where h.invoice = invoice.id and h.kind in ('status', 'action')), 1);
alter table invoice alter column version drop default;
grant select (version) on invoice to chorale_status_api;

-- Who holds the invoice now, whose disposal it was at last, and the attempt of a transfer that routing has to answer.
alter table invoice
    add column held_by text,
    add column available_structure text,
    add column transfer_attempt integer;
update invoice set held_by = p.structure, available_structure = p.structure
    from invoice_party p where p.invoice = invoice.id and p.role = 'DESTINATAIRE';

-- A body that the supplier has addressed away from keeps what it saw: the entries from `since_entry` to `until_entry`,
-- and the invoice as it stood then (`left_as`). Nothing of what came after, and not who has it now.
alter table invoice_party
    add column until_entry integer,
    add column left_as jsonb,
    add check ((until_entry is null) = (left_as is null)),
    add check ((until_entry is null) = (valid_until is null));

-- An answer is kept under who asked and the key he gave, so that the same request again does nothing twice.
create table action_request (
    subject text not null,
    key text not null,
    invoice uuid not null references invoice (id),
    digest bytea not null,
    answer jsonb not null,
    at timestamptz not null,
    primary key (subject, key)
);
alter table action_request enable row level security;

-- Who has ended still finds its row; the policies of `invoice`, `history` and the feed say what it shows.
drop policy service on invoice_party;
drop policy whole_structure on invoice_party;
drop policy tenant on invoice_party;
create policy service on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE' and address = any ((select claimed('services'))::text[]));
create policy whole_structure on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE'
        and 'GESTIONNAIRE' = any ((select claimed('roles'))::text[])
        and structure = any ((select claimed('structures'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]));
create policy tenant on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE'
        and 'TENANT_ADMIN' = any ((select claimed('roles'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]));

drop policy party on invoice;
create policy party on invoice for select to chorale_status_api
    using (exists (select from invoice_party p
        where p.invoice = invoice.id and (p.valid_until is null or p.valid_until > now()) offset 0));

-- A body sees the deposit and its own stretch: what another body wrote before it, or will write after, is not its own.
drop policy party on history;
create policy party on history for select to chorale_status_api
    using (exists (
        select from invoice_party p
        where p.invoice = history.invoice and case
            when p.role = 'DESTINATAIRE' then (history.entry = 1 or history.entry >= p.since_entry)
                and (p.until_entry is null or history.entry <= p.until_entry)
            else history.visibility = 'all' end
        offset 0));

-- Only status changes are shown: what else is written on this topic is between services.
drop policy feed on outbox;
create policy feed on outbox for select to chorale_status_api
    using (case when sequence is not null and topic = 'chorale.lifecycle.v1' then exists (
        select from invoice_party p, (select convert_from(outbox.value, 'UTF8')::jsonb as told offset 0) o
        where p.invoice = outbox.key::uuid
            and o.told ? 'status_to'
            and p.since_entry <= (o.told ->> 'entry')::integer
            and (p.until_entry is null or p.until_entry >= (o.told ->> 'entry')::integer)
            and (p.role = 'DESTINATAIRE' or o.told ->> 'visibility' = 'all')
        offset 0)
        else false end);
