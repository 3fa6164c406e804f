-- A flow of which every invoice that says whom it is for is for a sandbox bears its mark: `trial` is one of those
-- tenants, `genuine` says that something in it is for a real body.
alter table flow add column trial text;
alter table flow add column genuine boolean not null default false;
grant select (tenant) on flow_item to chorale_ingest_api;
