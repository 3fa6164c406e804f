-- One job per document received. The row stays when the job is done, so that a document has one result for ever.
-- `due_at` is the instant from which an instance may take it: at once, after a back-off, or when a lease has run out.
-- `failed` is no end: the document cannot be had although its deposit was acknowledged, a person has to look, and the
-- job is tried again for ever.
create table job (
    event_id uuid primary key,
    invoice_id uuid not null unique,
    document jsonb not null,
    traceparent text,
    state text not null default 'queued' check (state in ('queued', 'done', 'failed')),
    attempts integer not null default 0,
    failures integer not null default 0,
    trouble text,
    due_at timestamptz not null default now(),
    lease_owner uuid,
    queued_at timestamptz not null default now(),
    done_at timestamptz
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
create index job_due on job (due_at) where state <> 'done';
create index job_done on job using brin (done_at);

-- `result` is the data of the event that told it.
create table reading (
    invoice_id uuid primary key,
    event_id uuid not null unique,
    outcome text not null check (outcome in ('read', 'empty', 'unreadable')),
    result jsonb not null,
    read_at timestamptz not null
);

-- A token does not say which deposits are its own: only operators see readings and jobs here.
alter table reading enable row level security;
create policy reading_of_operators on reading to chorale_ocr_api
    using ('OPERATEUR' = any (string_to_array(current_setting('chorale.roles', true), ',')));
grant select on reading to chorale_ocr_api;

alter table job enable row level security;
create policy job_of_operators on job to chorale_ocr_api
    using ('OPERATEUR' = any (string_to_array(current_setting('chorale.roles', true), ',')));
grant select on job to chorale_ocr_api;
