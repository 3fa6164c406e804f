-- An original whose term is over: its row stays, with number, hash and header; its files are deleted, then said to be.
alter table deposit add column expired_at timestamptz;
alter table deposit add column files_deleted_at timestamptz;
alter table deposit add constraint deposit_expires_as_invoice check (expired_at is null or state in ('submitted', 'duplicate'));
create index deposit_expiring on deposit (decided_at) where state = 'submitted' and expired_at is null;
create index deposit_refused_on on deposit (decided_at) where state = 'refused';
create index deposit_files_left on deposit (expired_at) where expired_at is not null and files_deleted_at is null;
create index deposit_object on deposit (object_key);
