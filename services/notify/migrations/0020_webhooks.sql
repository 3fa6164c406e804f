-- What an owner may see, as his last act on his webhooks stated it. Asked again at every delivery.
create table webhook_owner (
    subject text primary key,
    structures text[] not null,
    services text[] not null,
    roles text[] not null,
    tenants text[] not null,
    contact text not null,
    stated_at timestamptz not null
);

-- A way out: an address that is called, or a folder that files are put into. An empty filter lets everything through.
create table webhook (
    id uuid primary key,
    owner text not null references webhook_owner (subject),
    kind text not null check (kind in ('http', 'folder')),
    url text,
    description text not null default '',
    types text[] not null,
    statuses text[] not null,
    structures text[] not null,
    services text[] not null,
    state text not null check (state in ('active', 'paused', 'gone', 'deleted')),
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- Consecutive failures, whoever delivered; with `open_until` the circuit is open, then one delivery at a time tries.
    failures integer not null default 0,
    open_until timestamptz,
    told_at timestamptz,
    check ((kind = 'http') = (url is not null))
);
create index webhook_owned on webhook (owner) where state <> 'deleted';

-- `sealed` holds what signs, encrypted; the key is in the settings alone. `public_key` is what an Ed25519 receiver has.
create table webhook_secret (
    id uuid primary key,
    webhook uuid not null references webhook (id),
    kind text not null check (kind in ('hmac', 'ed25519')),
    sealed bytea not null,
    public_key text,
    created_at timestamptz not null,
    expires_at timestamptz,
    check ((kind = 'ed25519') = (public_key is not null))
);
create index webhook_secret_of on webhook_secret (webhook);

-- Every event that a way out may carry, as it came, so that a replay can go back before the way out was made.
create table webhook_event (
    position bigint generated always as identity primary key,
    id uuid not null unique,
    type text not null,
    subject text not null,
    time timestamptz not null,
    data text not null,
    status text,
    visibility text not null check (visibility in ('all', 'body')),
    supplier_siret text,
    recipient_siret text,
    address text,
    tenant text,
    depositor text,
    recorded_at timestamptz not null
);
create index webhook_event_subject on webhook_event (subject, position);
create index webhook_event_recorded on webhook_event (recorded_at);

-- One event for one way out. `behind`: an earlier event of the same invoice is not done. `created_at` is when the time
-- for trying began.
create table webhook_delivery (
    webhook uuid not null references webhook (id),
    event uuid not null,
    position bigint not null,
    subject text not null,
    type text not null,
    state text not null
        check (state in ('behind', 'waiting', 'sending', 'delivered', 'given_up', 'dropped')),
    urgent boolean not null default false,
    attempts integer not null default 0,
    failures integer not null default 0,
    next_attempt_at timestamptz not null,
    created_at timestamptz not null,
    done_at timestamptz,
    replay bigint,
    primary key (webhook, event),
    check ((state in ('behind', 'waiting', 'sending')) = (done_at is null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index webhook_delivery_due on webhook_delivery (webhook, next_attempt_at) where state in ('waiting', 'sending');
create index webhook_delivery_order on webhook_delivery (webhook, subject, position)
    where state in ('behind', 'waiting', 'sending');
create index webhook_delivery_newest on webhook_delivery (webhook, created_at desc, event desc);
create index webhook_delivery_done on webhook_delivery (done_at) where done_at is not null;

create table webhook_attempt (
    webhook uuid not null,
    event uuid not null,
    n integer not null check (n > 0),
    at timestamptz not null,
    duration_ms integer not null,
    result text not null,
    status integer,
    answer text not null,
    primary key (webhook, event, n),
    foreign key (webhook, event) references webhook_delivery (webhook, event) on delete cascade
);

-- A replay is asked for by the API and done by the workers, some invoices at a time.
create table webhook_replay (
    id bigint generated always as identity primary key,
    webhook uuid not null references webhook (id),
    since timestamptz,
    from_position bigint,
    to_position bigint,
    next_position bigint,
    events integer not null default 0,
    asked_at timestamptz not null,
    done_at timestamptz,
    check (since is not null or from_position is not null)
);
create index webhook_replay_open on webhook_replay (id) where done_at is null;

-- In which scope an owner may have an event, or null: the parties of an invoice as the status service keeps them. A body
-- has it from the entry on at which the invoice was routed to it; a deposit belongs to who made it.
create function webhook_scope(o webhook_owner, e webhook_event) returns text language sql immutable as $$
    select case
        when e.depositor is not null then
            case when e.depositor = o.subject or 'OPERATEUR' = any (o.roles) then 'supplier' end
        when 'OPERATEUR' = any (o.roles) then 'body'
        when e.tenant is not null and (
            e.address = any (o.services)
            or ('GESTIONNAIRE' = any (o.roles) and e.recipient_siret = any (o.structures) and e.tenant = any (o.tenants))
            or ('TENANT_ADMIN' = any (o.roles) and e.tenant = any (o.tenants))
        ) then 'body'
        when e.visibility = 'all' and e.supplier_siret = any (o.structures) then 'supplier'
    end
$$;

create function webhook_wants(w webhook, e webhook_event) returns boolean language sql immutable as $$
    select (w.types = '{}' or e.type = any (w.types))
        and (w.statuses = '{}' or e.status is null or e.status = any (w.statuses))
        and (w.structures = '{}' or coalesce(
            e.supplier_siret = any (w.structures) or e.recipient_siret = any (w.structures), false))
        and (w.services = '{}' or coalesce(e.address = any (w.services), false))
$$;

-- Walls: an owner's own, and operators may look.
create function webhook_is_mine(wanted uuid) returns boolean language sql stable as
$$ select exists (select from webhook w where w.id = wanted and w.owner = current_setting('chorale.subject', true)) $$;

alter table webhook_owner enable row level security;
create policy own on webhook_owner to chorale_notify_api
    using (subject = current_setting('chorale.subject', true))
    with check (subject = current_setting('chorale.subject', true));
alter table webhook enable row level security;
create policy own on webhook to chorale_notify_api
    using (owner = current_setting('chorale.subject', true))
    with check (owner = current_setting('chorale.subject', true));
create policy operator on webhook for select to chorale_notify_api using ((select is_operator()));
alter table webhook_secret enable row level security;
create policy own on webhook_secret to chorale_notify_api
    using (webhook_is_mine(webhook)) with check (webhook_is_mine(webhook));
alter table webhook_event enable row level security;
alter table webhook_delivery enable row level security;
create policy own on webhook_delivery for select to chorale_notify_api using (webhook_is_mine(webhook));
create policy test on webhook_delivery for insert to chorale_notify_api
    with check (webhook_is_mine(webhook) and urgent and type = 'fr.chorale.webhook.test.v1');
create policy operator on webhook_delivery for select to chorale_notify_api using ((select is_operator()));
alter table webhook_attempt enable row level security;
create policy own on webhook_attempt for select to chorale_notify_api using (webhook_is_mine(webhook));
create policy operator on webhook_attempt for select to chorale_notify_api using ((select is_operator()));
alter table webhook_replay enable row level security;
create policy own on webhook_replay to chorale_notify_api
    using (webhook_is_mine(webhook)) with check (webhook_is_mine(webhook));

grant select, insert, update on webhook_owner to chorale_notify_api;
grant select, insert on webhook to chorale_notify_api;
grant update (url, description, types, statuses, structures, services, state, changed_at, failures, open_until)
    on webhook to chorale_notify_api;
-- What signs is written by the API and read by the workers alone.
grant insert, delete, select (id, webhook, kind, public_key, created_at, expires_at), update (expires_at)
    on webhook_secret to chorale_notify_api;
grant select on webhook_delivery, webhook_attempt to chorale_notify_api;
grant insert (webhook, event, position, subject, type, state, urgent, next_attempt_at, created_at)
    on webhook_delivery to chorale_notify_api;
grant select on webhook_replay to chorale_notify_api;
grant insert (webhook, since, from_position, asked_at) on webhook_replay to chorale_notify_api;
