-- Keys that certificates of deposit are signed with; a key signs what was submitted from `valid_from` until the next
-- one's. The private half is wrapped by a secret of the environment; the API's role has no right to any of it.
create table certificate_key (
    id text primary key,
    public_key bytea not null,
    wrapped_key bytea not null,
    valid_from timestamptz not null unique
);

-- An attachment that came after the invoice was submitted is not among what the certificate names.
alter table attachment add column after_submission boolean not null default false;
update attachment a set after_submission = true
from deposit d where d.id = a.deposit_id and d.state = 'submitted' and a.stored_at > d.decided_at;
