-- Inbox: an event's id is written in the transaction of its effects; a second delivery finds it and does nothing.
create table processed_event (
    event_id uuid primary key,
    processed_at timestamptz not null default now()
);
create index processed_event_age on processed_event using brin (processed_at);

-- Outbox: events written with the state they tell of. `headers` is msgpack of the Kafka headers.
create table outbox (
    id bigint generated always as identity primary key,
    lane text not null,
    topic text not null,
    key text,
    partition_key text,
    headers bytea not null,
    value bytea,
    created_at timestamptz not null default now(),
    sequence bigint,
    sent_at timestamptz
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
create index outbox_unsent on outbox (lane, id) where sequence is null;
create unique index outbox_sequence on outbox (sequence) where sequence is not null;
create sequence outbox_sequence_counter;

-- Not yet: events whose predecessor has not come.
create table waiting_event (
    position bigint generated always as identity,
    event_id uuid primary key,
    key text not null,
    topic text not null,
    headers bytea not null,
    value bytea,
    since timestamptz not null default now()
);
create index waiting_event_key on waiting_event (key, position);

-- Dead letters, and the later events of their keys parked behind them.
create table dead_letter (
    id bigint generated always as identity primary key,
    event_id uuid not null unique,
    topic text not null,
    kafka_partition integer,
    kafka_offset bigint,
    key text,
    type text,
    headers bytea not null,
    value bytea,
    kind text not null check (kind in ('poison', 'rejected', 'bug', 'behind')),
    reason text not null,
    detail text not null,
    traceback text,
    state text not null default 'parked' check (state in ('parked', 'replay', 'replayed', 'dropped')),
    attempts integer not null default 1,
    parked_at timestamptz not null default now(),
    settled_at timestamptz
);
create index dead_letter_open on dead_letter (key, id) where state in ('parked', 'replay');
create index dead_letter_replay on dead_letter (id) where state = 'replay';

create table dead_letter_audit (
    id bigint generated always as identity primary key,
    dead_letter_id bigint not null references dead_letter (id),
    action text not null,
    operator text not null,
    note text,
    at timestamptz not null default now()
);

-- Durable timers: fired once, late after an outage but never lost.
create table timer (
    id uuid primary key,
    key text not null,
    kind text not null,
    due_at timestamptz not null,
    traceparent text,
    set_at timestamptz not null default now(),
    next_try_at timestamptz not null,
    fired_at timestamptz,
    cancelled_at timestamptz
);
create index timer_due on timer (next_try_at) where fired_at is null and cancelled_at is null;
create index timer_key on timer (key, kind) where fired_at is null and cancelled_at is null;
