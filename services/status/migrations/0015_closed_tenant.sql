-- A tenant that has left sees nothing any more; its invoices stay for their legal term, their suppliers see them.
alter table invoice_party add column closed boolean not null default false;
create policy not_closed on invoice_party as restrictive for select to chorale_status_api
    using (not closed or 'OPERATEUR' = any ((select claimed('roles'))::text[]));
