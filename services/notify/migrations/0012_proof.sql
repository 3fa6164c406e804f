-- What a relay's acceptance proves, one row for each message, carried or not. The address is here as a digest salted by
-- the message's id only: it can be checked against an address, and outlives its erasure.
create table proof (
    message uuid primary key,
    carrier uuid not null,
    subject text not null,
    entry integer,
    kind text not null,
    audience text not null,
    tenant text,
    structure text,
    number text,
    address_sha256 text not null,
    message_id_header text not null,
    created_at timestamptz not null,
    accepted_at timestamptz not null,
    attempt integer not null,
    relay text not null,
    code integer not null,
    answer text not null,
    tls_version text,
    tls_cipher text,
    recorded_at timestamptz not null default now()
);
create index proof_subject on proof (subject);
create index proof_tenant on proof (tenant, accepted_at);
create index proof_accepted on proof (accepted_at, message);
create function refuse_proof_change() returns trigger language plpgsql as $$
begin
    raise exception 'proofs are append-only: % refused', tg_op using errcode = 'restrict_violation';
end $$;
create trigger proof_rows before update or delete on proof for each row execute function refuse_proof_change();
create trigger proof_truncate before truncate on proof for each statement execute function refuse_proof_change();

-- What came back after a relay had accepted. A bounce changes no proof: it says that the address is dead.
create table bounce (
    id bigint generated always as identity primary key,
    message uuid not null references message (id),
    at timestamptz not null,
    action text not null,
    status text not null,
    diagnostic text not null,
    unique (message, action, status)
);
create trigger bounce_rows before update or delete on bounce for each row execute function refuse_proof_change();
create trigger bounce_truncate before truncate on bounce for each statement execute function refuse_proof_change();

alter table proof enable row level security;
create policy operator on proof for select to chorale_notify_api using ((select is_operator()));
create policy structure on proof for select to chorale_notify_api
    using ('GESTIONNAIRE' = any ((select claimed('roles'))::text[])
        and structure = any ((select claimed('structures'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]) and audience in ('body', 'administrator'));
create policy tenant on proof for select to chorale_notify_api
    using ('TENANT_ADMIN' = any ((select claimed('roles'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]) and audience in ('body', 'administrator'));
grant select on proof to chorale_notify_api;
alter table bounce enable row level security;
create policy operator on bounce for select to chorale_notify_api using ((select is_operator()));
grant select on bounce to chorale_notify_api;
