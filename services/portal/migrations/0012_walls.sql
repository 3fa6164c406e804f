-- What the API's role may see. `managed_structures` are the keys of the structures that the caller manages.
create function portal_claimed(name text) returns text[] language sql stable as
$$ select string_to_array(coalesce(current_setting('chorale.' || name, true), ''), ',') $$;
create function portal_subject() returns text language sql stable as
$$ select coalesce(current_setting('chorale.subject', true), '') $$;
create function portal_operator() returns boolean language sql stable as
$$ select 'OPERATEUR' = any (portal_claimed('roles')) $$;

-- Who belongs to a structure sees it. The policies below ask this function, which is not subject to them.
create function portal_belongs(structure_id uuid) returns boolean language sql stable security definer
set search_path from current as $$
    select exists (select from membership m
        where m.structure = structure_id and m.subject = portal_subject() and m.left_at is null)
    or exists (select from held_role h
        where h.structure = structure_id and h.subject = portal_subject() and h.withdrawn_at is null
        and (h.until is null or h.until > now()))
    or exists (select from delegation d
        where d.structure = structure_id and d.receiver = portal_subject() and d.ended_at is null and d.until > now())
$$;
-- Whoever manages a structure, by his rights (at a public one: within its tenant); and who administers that tenant.
create function portal_manages(structure_id uuid) returns boolean language sql stable security definer
set search_path from current as $$
    select exists (select from structure s where s.id = structure_id and s.key = any (portal_claimed('managed_structures'))
        and not exists (select from public_structure p where p.siret = s.key and not p.deleted
            and p.tenant <> all (portal_claimed('tenants'))))
    or exists (select from structure s join public_structure p on p.siret = s.key and not p.deleted
        where s.id = structure_id and p.tenant = any (portal_claimed('admin_tenants')))
$$;

alter table structure enable row level security;
create policy seen on structure for select to chorale_portal_api
    using (portal_operator() or portal_belongs(id) or portal_manages(id));
alter table membership enable row level security;
create policy seen on membership for select to chorale_portal_api
    using (subject = portal_subject() or portal_operator() or portal_manages(structure));
alter table held_role enable row level security;
create policy seen on held_role for select to chorale_portal_api
    using (subject = portal_subject() or portal_operator() or portal_manages(structure));
alter table held_office enable row level security;
create policy seen on held_office for select to chorale_portal_api
    using (subject = portal_subject() or portal_operator() or tenant = any (portal_claimed('admin_tenants')));
alter table attachment_request enable row level security;
create policy seen on attachment_request for select to chorale_portal_api
    using (subject = portal_subject() or portal_operator() or portal_manages(structure));
alter table invitation enable row level security;
create policy seen on invitation for select to chorale_portal_api using (portal_operator() or portal_manages(structure));
alter table delegation enable row level security;
create policy seen on delegation for select to chorale_portal_api
    using (portal_subject() in (giver, receiver) or portal_operator() or portal_manages(structure));
alter table proof enable row level security;
create policy seen on proof for select to chorale_portal_api
    using (subject = portal_subject() or portal_operator() or portal_manages(structure));
alter table succession enable row level security;
create policy seen on succession for select to chorale_portal_api
    using (portal_operator() or portal_belongs(old) or portal_belongs(new) or portal_manages(new));
alter table published_right enable row level security;
create policy seen on published_right for select to chorale_portal_api
    using (subject = portal_subject() or portal_operator());

-- Bank references are read by the code that knows who may; the API's role has no way to them.
grant select (id, kind, identifier, written, key, name, street, complement, postal_code, town, country, prefilled, version,
    created_at, changed_at) on structure to chorale_portal_api;
grant select on membership, held_role, held_office, attachment_request, delegation, proof, succession, published_right
    to chorale_portal_api;
grant select (id, structure, address, manager, joins, roles, delegation, invited_by, invited_at, expires_at, state)
    on invitation to chorale_portal_api;
grant select on public_tenant, public_structure, public_service to chorale_portal_api;
