-- A message is what one person is told of one event. It leaves by itself, or is carried: a carrier is a message of its
-- own (kind GATHERED, DAILY, WEEKLY or FLOOD) that names every message it carries and whose fate is theirs.
-- `held`: waits for its carrier. `carried`: its carrier is on its way.
alter table message
    add column cause uuid,
    add column legal boolean not null default false,
    add column tenant text,
    add column structure text,
    add column lane text not null default '',
    add column gathering text check (gathering in ('notice', 'flood', 'daily', 'weekly')),
    add column carried_by uuid references message (id),
    add column reserved boolean not null default false,
    add column settled boolean not null default false,
    add column returned_at timestamptz,
    drop constraint message_state_check,
    drop constraint message_audience_check,
    drop constraint message_check,
    drop constraint message_check1;
alter table message
    add constraint message_state_check check
        (state in ('created', 'sending', 'held', 'carried', 'accepted', 'permanent', 'technical', 'no_address')),
    add constraint message_audience_check check
        (audience in ('supplier', 'validator', 'moe', 'moa', 'body', 'administrator', 'person')),
    add constraint message_done check ((state in ('created', 'sending', 'held', 'carried')) = (done_at is null)),
    add constraint message_address check ((state = 'no_address') = (address = '')),
    add constraint message_held check (state <> 'held' or gathering is not null),
    add constraint message_carried check (state <> 'carried' or carried_by is not null);

-- Lanes are served in turn, so that nobody's backlog is before another's mail.
drop index message_due;
create index message_lane on message (lane, next_attempt_at) where state in ('created', 'sending');
create index message_held on message (address, audience, gathering, created_at) where state = 'held';
create index message_carried on message (carried_by) where carried_by is not null;
create index message_cause on message (cause);
create index message_unsettled on message (created_at)
    where legal and audience in ('body', 'administrator') and not settled
        and (state <> 'accepted' or returned_at is not null);

-- How many mails an address got lately: `notice` in this minute, `flood` in this hour.
create table address_window (
    address text not null,
    gathering text not null check (gathering in ('notice', 'flood')),
    opened_at timestamptz not null,
    mails integer not null,
    primary key (address, gathering)
) with (fillfactor = 50);

-- A carrier to be made. Whoever holds a message locks this row first, so that none is held without it.
create table gathering (
    address text not null,
    audience text not null,
    gathering text not null,
    due_at timestamptz not null,
    primary key (address, audience, gathering)
);
create index gathering_due on gathering (due_at);

alter table attempt
    add column tls_version text,
    add column tls_cipher text;
