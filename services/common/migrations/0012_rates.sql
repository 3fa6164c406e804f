-- How much each client has asked in the window that is open, shared by all instances of the service. Losing it in a
-- crash only gives everybody a new window, so it is not logged. ingest has had the same table before the others.
do $$ begin
    if current_schema() <> 'ingest' then
        create unlogged table rate_window (
            subject text not null,
            name text not null,
            seconds integer not null,
            started_at timestamptz not null,
            used integer not null,
            primary key (subject, name)
        );
        alter table rate_window enable row level security;
    end if;
end $$;
