create table bench_state (invoice uuid primary key, step text not null, seen timestamptz not null default now());
