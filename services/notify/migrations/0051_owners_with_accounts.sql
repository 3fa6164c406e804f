-- The owner of a way out who has an account: what leaves by it follows his rights as they are now, by the replica of
-- accounts. A development token has no account; its owner keeps what his last act stated.
alter table webhook_owner
    add column account boolean not null default false,
    -- SIRETs as a supplier; `tenant/SIRET` of whole bodies; `SIRET/service`; tenants. Of accounts alone.
    add column supplies text[] not null default '{}',
    add column bodies text[] not null default '{}',
    add column agent_of text[] not null default '{}',
    add column administers text[] not null default '{}',
    add column ended boolean not null default false,
    -- When a dated right of his begins or ends next.
    add column recheck_at timestamptz;
create index webhook_owner_recheck on webhook_owner (recheck_at) where recheck_at is not null;

-- Whoever writes the row, the rights in it are those of the account.
create function keep_owner_rights() returns trigger language plpgsql security definer set search_path from current as $$
declare
    known record;
    instant constant timestamptz := clock_timestamp();
begin
    select r.state, r.grants into known from account_right r where r.subject = new.subject;
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
    new.ended := known.state <> 'active';
    with held as (
        select g ->> 'role' as role, g ->> 'structure' as structure, g ->> 'service' as service, g ->> 'tenant' as tenant,
            (g ->> 'since')::timestamptz as since, (g ->> 'until')::timestamptz as until
        from jsonb_array_elements(known.grants) g where known.state = 'active'),
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
create trigger owner_rights before insert or update on webhook_owner
    for each row execute function keep_owner_rights();

create function follow_account() returns trigger language plpgsql as $$
begin
    update webhook_owner set stated_at = stated_at where subject = new.subject;
    return null;
end $$;
create trigger webhook_owner_follows after insert or update on account_right
    for each row execute function follow_account();
update webhook_owner set stated_at = stated_at;

-- Asked before anything is chosen or sent, so that a delegation ends on its day.
create function recheck_owners() returns void language sql as $$
    update webhook_owner set stated_at = stated_at where recheck_at <= clock_timestamp()
$$;
revoke all on function recheck_owners() from public;

-- As before, by the rights of an account where there is one. An operator has no way out: each look of his into a
-- tenant's invoice needs a reason, and a standing order can give none.
create or replace function webhook_scope(o webhook_owner, e webhook_event) returns text language sql immutable as $$
    select case
        when e.depositor is not null then
            case when e.depositor = o.subject and not o.ended then 'supplier' end
        when o.account then case
            when e.tenant is not null and (
                e.address = any (o.agent_of)
                or (e.tenant || '/' || e.recipient_siret) = any (o.bodies)
                or e.tenant = any (o.administers)
            ) then 'body'
            when e.visibility = 'all' and e.supplier_siret = any (o.supplies) then 'supplier'
        end
        when e.tenant is not null and (
            e.address = any (o.services)
            or ('GESTIONNAIRE' = any (o.roles) and e.recipient_siret = any (o.structures) and e.tenant = any (o.tenants))
            or ('TENANT_ADMIN' = any (o.roles) and e.tenant = any (o.tenants))
        ) then 'body'
        when e.visibility = 'all' and e.supplier_siret = any (o.structures) then 'supplier'
    end
$$;
