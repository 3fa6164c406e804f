-- Flows that ended with refused invoices: the list behind their figure. Neither the name of a file nor an address: whom
-- to write to, ingest knows. Made again from the topics like the windows.
create table refused_flow (
    flow text collate "C" primary key,
    finished_at timestamptz not null,
    received_at timestamptz not null,
    state text not null,
    depositor text not null,
    integrated integer not null,
    to_verify integer not null,
    rejected integer not null,
    duplicate integer not null,
    errors text[] not null
);
create index refused_flow_newest on refused_flow (finished_at desc, flow desc);
-- A flow is no tenant's: its invoices may be for many.
alter table refused_flow enable row level security;
create policy reached on refused_flow for select to chorale_supervision_api using ('*' = any ((select reach())::text[]));
grant select on refused_flow to chorale_supervision_api;
