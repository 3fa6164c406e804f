-- Whose a dead letter is, as its event says: a tenant's administrators settle theirs. Null: nobody's but the operator's.
alter table dead_letter add column tenant text;
create index dead_letter_tenant on dead_letter (tenant, parked_at, id) where state in ('parked', 'replay');
