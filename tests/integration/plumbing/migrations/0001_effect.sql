-- No uniqueness on purpose: an effect that happens twice leaves two rows.
create table effect (
    position bigint generated always as identity,
    event_id uuid not null,
    key text not null,
    entry integer not null
);
create index effect_key on effect (key, entry);

create table fired (
    position bigint generated always as identity,
    timer_id uuid not null,
    kind text not null
);

-- What row-level security sees.
create table owned (owner text not null);
insert into owned values ('ada'), ('bob');
alter table owned enable row level security;
create policy own on owned to chorale_notify_api using (owner = current_setting('chorale.subject', true));
grant select on owned to chorale_notify_api;
grant insert on outbox to chorale_notify_api;
