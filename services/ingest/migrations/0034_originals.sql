-- When the stored bytes were last compared with their hash, and what was seen: `whole`, `changed` or `missing`.
alter table deposit add column verified_at timestamptz;
alter table deposit add column verified_as text check (verified_as in ('whole', 'changed', 'missing'));
alter table attachment add column verified_at timestamptz;
alter table attachment add column verified_as text check (verified_as in ('whole', 'changed', 'missing'));
create index deposit_to_verify on deposit (verified_at nulls first, id) where state = 'submitted';
create index attachment_to_verify on attachment (verified_at nulls first, id);
