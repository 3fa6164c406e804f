-- A flow: one file of a machine, with one invoice or a hundred thousand. `step` is where the work stands, `state` what
-- its depositor sees (chorus-pro.md 15). While it is being uploaded, `stored` of `size` bytes are durable.
create table flow (
    id uuid primary key,
    depositor text not null check (depositor <> ''),
    contact text not null,
    structures text[] not null,
    roles text[] not null,
    file_name text not null,
    way text not null check (way in ('request', 'upload', 'folder')),
    kind text check (kind in ('xml', 'pdf', 'zip', 'tar.gz')),
    size bigint check (size > 0),
    stored bigint not null default 0,
    sha256 text,
    step text not null check (step in ('upload', 'check', 'read', 'release', 'done')),
    state text not null,
    begun_at timestamptz not null,
    received_at timestamptz,
    finished_at timestamptz,
    entries integer,
    entries_read integer not null default 0,
    items integer not null default 0,
    errors jsonb not null default '[]',
    counts jsonb,
    repeat_of uuid references flow (id),
    stuck_entry integer,
    stuck_times integer not null default 0,
    try_at timestamptz not null default now(),
    served_at timestamptz not null default now(),
    lease uuid,
    lease_until timestamptz,
    traceparent text,
    check ((step = 'upload') = (received_at is null)),
    check (step = 'upload' or (kind is not null and size is not null and stored = size)),
    check ((step = 'done') = (finished_at is not null))
);
create index flow_list on flow (depositor, id desc);
create index flow_work on flow (served_at) where step <> 'done';
create index flow_content on flow (depositor, sha256) where sha256 is not null;
create index flow_received on flow (depositor, received_at);

-- The pieces of a flow's bytes in the store, in order and without a gap.
create table flow_segment (
    flow_id uuid not null references flow (id),
    start_at bigint not null check (start_at >= 0),
    size bigint not null check (size > 0),
    sha256 text not null,
    object_key text not null,
    primary key (flow_id, start_at)
);

-- One row per invoice of a flow, and per file in it that is none. Its bytes lie in a pack, many to an object. It waits
-- here until it is released; `reading` is what its data say, kept until then.
create table flow_item (
    flow_id uuid not null references flow (id),
    number integer not null,
    name text not null,
    media_type text,
    size bigint not null,
    sha256 text,
    object_key text,
    pack_offset bigint,
    reading bytea,
    unreadable boolean not null default false,
    invoice_number text,
    supplier text,
    recipient text,
    outcome text check (outcome in ('integrated', 'to_verify', 'rejected', 'duplicate', 'ignored')),
    findings jsonb not null default '[]',
    deposit_id uuid references deposit (id) on delete set null,
    duplicate_of uuid references deposit (id) on delete set null,
    settled_at timestamptz,
    primary key (flow_id, number),
    check ((outcome is null) = (settled_at is null))
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
create index flow_item_waiting on flow_item (flow_id, number)
    where outcome is null and deposit_id is null and reading is not null;
create index flow_item_pages on flow_item (flow_id, number)
    where outcome is null and deposit_id is null and reading is null;
create index flow_item_running on flow_item (flow_id) where outcome is null and deposit_id is not null;
create index flow_item_outcome on flow_item (flow_id, outcome);
create unique index flow_item_deposit on flow_item (deposit_id) where deposit_id is not null;
create index flow_item_rejected on flow_item (settled_at, flow_id) where outcome = 'rejected';

-- A document that lies in a pack: where in the object it begins; it is `size` bytes long.
alter table deposit add column pack_offset bigint;

-- The API sees its subject's flows; it adds to one only while that is being uploaded, and never decides anything.
alter table flow enable row level security;
create policy own_read on flow for select to chorale_ingest_api
    using (depositor = current_setting('chorale.subject', true));
create policy own_add on flow for insert to chorale_ingest_api
    with check (depositor = current_setting('chorale.subject', true) and step = 'upload' and way <> 'folder');
create policy own_upload on flow for update to chorale_ingest_api
    using (depositor = current_setting('chorale.subject', true) and step = 'upload')
    with check (depositor = current_setting('chorale.subject', true) and step in ('upload', 'check'));
create policy own_abandon on flow for delete to chorale_ingest_api
    using (depositor = current_setting('chorale.subject', true) and step = 'upload');
grant select, delete on flow to chorale_ingest_api;
grant insert (id, depositor, contact, structures, roles, file_name, way, size, step, state, begun_at, traceparent)
    on flow to chorale_ingest_api;
grant update (kind, size, stored, sha256, step, state, received_at) on flow to chorale_ingest_api;

alter table flow_segment enable row level security;
create policy own_read on flow_segment for select to chorale_ingest_api
    using (exists (select from flow f where f.id = flow_id));
create policy own_add on flow_segment for insert to chorale_ingest_api
    with check (exists (select from flow f where f.id = flow_id and f.step = 'upload'));
create policy own_abandon on flow_segment for delete to chorale_ingest_api
    using (exists (select from flow f where f.id = flow_id and f.step = 'upload'));
grant select, insert, delete on flow_segment to chorale_ingest_api;

alter table flow_item enable row level security;
-- `in`, so that the flows are looked up once and not for each of a hundred thousand items.
create policy own_read on flow_item for select to chorale_ingest_api
    using (flow_id in (select id from flow));
grant select (flow_id, number, name, media_type, size, sha256, invoice_number, supplier, recipient, outcome, findings,
    deposit_id, duplicate_of, settled_at) on flow_item to chorale_ingest_api;
