-- What this service knows of who may do what: its copy of `chorale.account`. A version is never lowered, a closed account
-- stays as it was closed. Only the owner reads it: the API asks by way of its process, which keeps what it has read.
create table account_right (
    subject text primary key,
    version bigint not null,
    kind text not null,
    state text not null,
    grants jsonb not null,
    scopes text[] not null,
    sessions_from timestamptz,
    writes_each_minute integer,
    writes_each_day integer
);

-- Sessions that are over while tokens of theirs may still be about.
create table revoked_session (
    session text primary key,
    subject text not null,
    version bigint not null,
    expires_at timestamptz not null
);
create index revoked_session_end on revoked_session (expires_at);

create table signing_key (
    kid text primary key,
    public_key text not null,
    version bigint not null,
    valid_from timestamptz not null,
    until timestamptz
);

-- How far each partition has been read into these tables, written with what was read.
create table account_position (
    kafka_partition integer primary key,
    next_offset bigint not null
);
