-- Addresses of the people who are told on behalf of a body. `service_code` null: of the whole structure.
create table manager (
    id bigint generated always as identity primary key,
    siret text not null,
    service_code text,
    service_key text,
    name text not null,
    email text not null,
    loaded_at timestamptz not null default now(),
    unique nulls not distinct (siret, service_key, email),
    check ((service_code is null) = (service_key is null))
);

-- The supplier's address for an invoice, learnt from its submission.
create table invoice_contact (
    invoice text primary key,
    contact text not null
);

-- One message: one event, one audience, one address. Its id follows from those three.
create table message (
    id uuid primary key,
    subject text not null,
    entry integer,
    kind text not null,
    audience text not null check (audience in ('supplier', 'body')),
    address text not null,
    language text not null default 'fr',
    data jsonb not null,
    message_id_header text not null unique,
    traceparent text,
    state text not null
        check (state in ('created', 'sending', 'accepted', 'permanent', 'technical', 'no_address')),
    attempts integer not null default 0,
    failures integer not null default 0,
    next_attempt_at timestamptz not null,
    created_at timestamptz not null,
    done_at timestamptz,
    check ((state in ('created', 'sending')) = (done_at is null)),
    check ((state = 'no_address') = (address = ''))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index message_due on message (next_attempt_at) where state in ('created', 'sending');
create index message_subject on message (subject);
create index message_newest on message (created_at desc, id desc);

-- Every answer of a relay. An attempt without a row is one whose process died: the mail may have been taken.
create table attempt (
    message uuid not null references message (id),
    n integer not null check (n > 0),
    at timestamptz not null,
    host text not null,
    result text not null check (result in ('accepted', 'temporary', 'permanent', 'technical')),
    code integer,
    answer text not null,
    tls boolean not null,
    primary key (message, n)
);
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'attempts are append-only: % refused', tg_op using errcode = 'restrict_violation';
end $$;
create trigger attempt_rows before update or delete on attempt for each row execute function refuse_change();
create trigger attempt_truncate before truncate on attempt for each statement execute function refuse_change();

-- Addresses are personal data: the API's role sees them for operators only.
create function is_operator() returns boolean language sql stable as
$$ select 'OPERATEUR' = any (string_to_array(coalesce(current_setting('chorale.roles', true), ''), ',')) $$;
alter table manager enable row level security;
create policy operator on manager to chorale_notify_api
    using ((select is_operator())) with check ((select is_operator()));
alter table message enable row level security;
create policy operator on message for select to chorale_notify_api using ((select is_operator()));
alter table attempt enable row level security;
create policy operator on attempt for select to chorale_notify_api using ((select is_operator()));
grant select, insert, delete on manager to chorale_notify_api;
grant select on message, attempt to chorale_notify_api;
