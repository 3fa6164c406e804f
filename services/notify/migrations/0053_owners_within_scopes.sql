-- Software from which the scopes of webhooks were taken has no way out any more, whatever it may still see.
create or replace function keep_owner_rights() returns trigger language plpgsql security definer set search_path from current as $$
declare
    known record;
    instant constant timestamptz := clock_timestamp();
begin
    select r.grants, r.state = 'active' and (r.kind <> 'software' or r.scopes && array['messages.read', 'messages.write'])
        as alive into known from account_right r where r.subject = new.subject;
    new.account := found;
    new.ended := false;
    new.supplies := '{}';
    new.bodies := '{}';
    new.agent_of := '{}';
    new.administers := '{}';
    new.recheck_at := null;
    if not found then
        return new;
    end if;
    new.ended := not known.alive;
    with held as (
        select g ->> 'role' as role, g ->> 'structure' as structure, g ->> 'service' as service, g ->> 'tenant' as tenant,
            (g ->> 'since')::timestamptz as since, (g ->> 'until')::timestamptz as until
        from jsonb_array_elements(known.grants) g where known.alive),
    now_held as (
        select * from held where (since is null or since <= instant) and (until is null or until > instant))
    select
        array(select distinct structure from now_held where service is null and structure is not null
            and (role = 'FOURNISSEUR' or role = 'LECTURE' and tenant is null)),
        array(select distinct tenant || '/' || structure from now_held where service is null
            and tenant is not null and structure is not null
            and role in ('GESTIONNAIRE', 'COMPTABLE', 'FINANCE', 'LECTURE')),
        array(select distinct structure || '/' || service from now_held where structure is not null
            and service is not null and role in ('AGENT', 'GESTIONNAIRE', 'COMPTABLE', 'FINANCE', 'LECTURE')),
        array(select distinct tenant from now_held where tenant is not null and role = 'TENANT_ADMIN'),
        array(select distinct tenant from now_held where tenant is not null),
        (select min(instant_of) from held cross join lateral (values (since), (until)) i(instant_of)
            where instant_of > instant)
    into new.supplies, new.bodies, new.agent_of, new.administers, new.tenants, new.recheck_at;
    new.structures := '{}';
    new.services := '{}';
    new.roles := '{}';
    return new;
end $$;
update webhook_owner set stated_at = stated_at;
