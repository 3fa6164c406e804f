-- Events of a sandbox go to the ways out that were made for it, and those carry nothing else.
alter table webhook add column sandbox boolean not null default false;
alter table webhook_event add column sandbox boolean not null default false;
create or replace function webhook_wants(w webhook, e webhook_event) returns boolean language sql immutable as $$
    select w.sandbox = e.sandbox
        and (w.types = '{}' or e.type = any (w.types))
        and (w.statuses = '{}' or e.status is null or e.status = any (w.statuses))
        and (w.structures = '{}' or coalesce(
            e.supplier_siret = any (w.structures) or e.recipient_siret = any (w.structures), false))
        and (w.services = '{}' or coalesce(e.address = any (w.services), false))
$$;
