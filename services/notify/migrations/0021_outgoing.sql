-- Folders: which structure's, in which format, and when a file is made. `last_sequence` numbers the files without a gap.
alter table webhook add column structure text;
alter table webhook add column format text check (format in ('jsonl', 'cppstatut'));
alter table webhook add column rhythm text check (rhythm in ('daily', 'at_once'));
alter table webhook add column last_sequence integer not null default 0;
alter table webhook add check ((kind = 'folder') = (structure is not null and format is not null and rhythm is not null));

-- A file is planned with its events in one transaction, then written, then marked: whatever dies, the same bytes are
-- written under the same name.
create table outgoing_file (
    webhook uuid not null references webhook (id),
    sequence integer not null check (sequence > 0),
    name text not null,
    key text not null,
    events integer not null,
    planned_at timestamptz not null,
    written_at timestamptz,
    sha256 text,
    size integer,
    left_out integer,
    primary key (webhook, sequence),
    check ((written_at is null) = (sha256 is null)),
    check ((written_at is null) = (size is null))
);
create index outgoing_file_open on outgoing_file (webhook, sequence) where written_at is null;
-- In which scope each line was planned, and in which order.
create table outgoing_line (
    webhook uuid not null,
    sequence integer not null,
    line integer not null,
    event uuid not null,
    scope text not null,
    primary key (webhook, sequence, line),
    foreign key (webhook, sequence) references outgoing_file (webhook, sequence)
);

alter table outgoing_file enable row level security;
create policy own on outgoing_file for select to chorale_notify_api using (webhook_is_mine(webhook));
create policy operator on outgoing_file for select to chorale_notify_api using ((select is_operator()));
alter table outgoing_line enable row level security;
grant select on outgoing_file to chorale_notify_api;
