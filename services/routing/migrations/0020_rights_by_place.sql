-- A role counts where it is held: a supplier's engagements are shown at the structures at which he is one, and a tenant's
-- to whoever administers that very tenant.
drop policy supplier on engagement;
drop policy tenant on engagement;
create policy supplier on engagement for select to chorale_routing_api
    using (left(supplier, 9) = any (
            select left(s, 9) from unnest(claimed('supplier_structures')) s where s ~ '^[0-9]{14}$')
        and length(supplier) = 14);
create policy tenant on engagement for select to chorale_routing_api
    using (tenant = any (claimed('admin_tenants')));
