-- A role counts where it is held and nowhere else.
-- A body's addresses: whoever manages that very structure, and whoever administers the tenant it is of.
create or replace function runs_structure(siret text) returns boolean language sql stable as $$
    select exists (select from recipient r where r.siret = $1 and not r.deleted
        and (r.tenant = any (claimed('admin_tenants'))
            or r.siret = any (claimed('manager_structures')) and r.tenant = any (claimed('tenants'))))
$$;
-- The other addresses: whoever stands on that side of invoices for the structure, in the tenant of a body.
create function speaks_for(siret text, side text) returns boolean language sql stable as $$
    select siret = any (case side
            when 'supplier' then claimed('supplier_structures')
            when 'validator' then claimed('validator_structures')
            when 'moe' then claimed('moe_structures')
            when 'moa' then claimed('moa_structures') end)
        and not exists (select from recipient r
            where r.siret = $1 and not r.deleted and r.tenant <> all (claimed('tenants')))
$$;
drop policy structure on correspondent;
drop policy tenant on correspondent;
drop function speaks_for(text);
create policy structure on correspondent to chorale_notify_api
    using (speaks_for(siret, role)) with check (speaks_for(siret, role));
create policy tenant on correspondent to chorale_notify_api
    using (role = 'administrator' and tenant = any ((select claimed('admin_tenants'))::text[]))
    with check (role = 'administrator' and tenant = any ((select claimed('admin_tenants'))::text[]));

drop policy structure on proof;
drop policy tenant on proof;
create policy structure on proof for select to chorale_notify_api
    using (structure = any ((select claimed('manager_structures'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]) and audience in ('body', 'administrator'));
create policy tenant on proof for select to chorale_notify_api
    using (tenant = any ((select claimed('admin_tenants'))::text[]) and audience in ('body', 'administrator'));

drop policy tenant on announcement;
create policy tenant on announcement to chorale_notify_api
    using (tenant = any ((select claimed('admin_tenants'))::text[]))
    with check (tenant = any ((select claimed('admin_tenants'))::text[]));

-- An operator's look is written into the trail of the tenant whose body it concerns.
create policy operator on recipient for select to chorale_notify_api using ((select is_operator()));
