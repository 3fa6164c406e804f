-- Tumbling windows over the event streams. Nothing here is business state: it is made again from the topics by
-- `python -m services.supervision rebuild`. Sizes are in seconds; '*' stands for the whole platform.
create table stage_window (
    size integer not null,
    start timestamptz not null,
    tenant text collate "C" not null,
    stage text collate "C" not null,
    count bigint not null,
    primary key (size, tenant, start, stage)
);
create index stage_window_age on stage_window (size, start);
-- Durations by bucket (services/supervision/sketch.py), so that windows can be added up.
create table time_window (
    size integer not null,
    start timestamptz not null,
    tenant text collate "C" not null,
    measure text collate "C" not null,
    bucket integer not null,
    count bigint not null,
    primary key (size, tenant, start, measure, bucket)
);
create index time_window_age on time_window (size, start);
-- How fields that were read compare with the accepted invoices, by hour.
create table field_window (
    start timestamptz not null,
    tenant text collate "C" not null,
    supplier text collate "C" not null,
    source text collate "C" not null,
    field text collate "C" not null,
    outcome text collate "C" not null,
    count bigint not null,
    primary key (tenant, start, supplier, source, field, outcome)
);
create index field_window_age on field_window (start);

-- What is known of an invoice until its times are: instants and digests, no value of it.
create table journey (
    invoice text collate "C" primary key,
    state jsonb not null,
    done boolean not null,
    seen_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
create index journey_seen on journey (done, seen_at);

-- The last record of each partition that is in the windows, written in their transaction: whatever is offered again
-- after a crash or a rebalance, by whoever holds the partition, counts once.
create table read_through (
    topic text collate "C" not null,
    kafka_partition integer not null,
    kafka_offset bigint not null,
    primary key (topic, kafka_partition)
);

-- What was seen of each service every few seconds, for the curves.
create table sample (
    at timestamptz not null,
    service text collate "C" not null,
    unread bigint,
    oldest_unread_seconds double precision,
    outbox bigint,
    outbox_seconds double precision,
    waiting bigint,
    dead_letters bigint,
    primary key (service, at)
);
create index sample_age on sample (at);

-- Who sees what: services/supervision/access.py says which tenants, '*' for the operator alone.
create function reach() returns text[] language sql stable as
$$ select string_to_array(coalesce(current_setting('chorale.reach', true), ''), ',') $$;
alter table stage_window enable row level security;
alter table time_window enable row level security;
alter table field_window enable row level security;
alter table sample enable row level security;
create policy reached on stage_window for select to chorale_supervision_api using (tenant = any ((select reach())::text[]));
create policy reached on time_window for select to chorale_supervision_api using (tenant = any ((select reach())::text[]));
create policy reached on field_window for select to chorale_supervision_api using (tenant = any ((select reach())::text[]));
create policy reached on sample for select to chorale_supervision_api using ('*' = any ((select reach())::text[]));
grant select on stage_window, time_window, field_window, sample to chorale_supervision_api;
