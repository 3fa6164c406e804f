-- A person's data are to be erased in every service. A row is done when each has said what is gone and what is kept;
-- whoever is killed in between goes on where it stood. The row names a subject who is nobody any more.
create table person_request (
    id uuid primary key,
    subject text not null,
    asked_by text not null,
    asked_at timestamptz not null,
    documents uuid[],
    outcomes jsonb not null default '{}',
    attempts integer not null default 0,
    next_try_at timestamptz not null default now(),
    trouble text,
    done_at timestamptz
);
create unique index person_request_open on person_request (subject) where done_at is null;
create index person_request_due on person_request (next_try_at) where done_at is null;
