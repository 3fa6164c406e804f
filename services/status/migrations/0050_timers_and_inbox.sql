-- Invoices that were there before there were timers get those that they should have as soon as the service runs.
insert into timer (id, key, kind, due_at, next_try_at)
select gen_random_uuid(), id::text, 'follow', now(), now() from invoice
where status not in ('REJETEE', 'ABANDONNEE', 'MISE_EN_PAIEMENT');

-- What finance systems follow: for each body and invoice, where its last change stands. `xid` is the transaction that
-- wrote it. A reader takes what lies below the oldest transaction that still runs: nothing can be added there any
-- more, so nobody who goes on from the last row he was given misses one, in whatever order transactions commit.
create sequence inbox_order;
create table inbox (
    invoice uuid not null references invoice (id),
    structure text collate "C" not null,
    entry integer not null,
    xid xid8 not null default pg_current_xact_id(),
    place bigint not null default nextval('inbox_order'),
    primary key (invoice, structure)
);
create index inbox_place on inbox (structure, xid, place);
insert into inbox (invoice, structure, entry)
select p.invoice, p.structure, max(coalesce(p.until_entry, i.entries))
from invoice_party p join invoice i on i.id = p.invoice where p.role = 'DESTINATAIRE'
group by p.invoice, p.structure order by min(p.submitted_at), p.invoice;

-- A finance system is its structure's: it sees what came to any of its services, as the structure's managers do.
create policy finance on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE'
        and 'FINANCE' = any ((select claimed('roles'))::text[])
        and structure = any ((select claimed('structures'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]));

alter table inbox enable row level security;
create policy party on inbox for select to chorale_status_api
    using (exists (select from invoice_party p
        where p.invoice = inbox.invoice and p.structure = inbox.structure and p.role = 'DESTINATAIRE' offset 0));
grant select (invoice, structure, entry, xid, place) on inbox to chorale_status_api;

-- After a restore into another cluster, whose transactions count from the beginning again: the order stays.
create function restart_inbox() returns void language sql as $$ update inbox set xid = '3' $$;
revoke all on function restart_inbox() from public;
