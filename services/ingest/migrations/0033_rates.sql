-- How much each client has asked in the window that is open, shared by all instances. Losing it in a crash only gives
-- everybody a new window, so it is not logged.
create unlogged table rate_window (
    subject text not null,
    name text not null,
    seconds integer not null,
    started_at timestamptz not null,
    used integer not null,
    primary key (subject, name)
);
alter table rate_window enable row level security;
create policy own on rate_window to chorale_ingest_api
    using (subject = current_setting('chorale.subject', true));
grant select, insert, update on rate_window to chorale_ingest_api;
