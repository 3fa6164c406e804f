-- Whose a structure is, so that a tenant's part can be told apart. Null until the directory says the structure again;
-- the end of a tenant does so for each of its structures.
alter table recipient add column tenant text;
create index recipient_tenant on recipient (tenant);
