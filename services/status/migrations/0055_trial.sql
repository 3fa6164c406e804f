-- The sandbox that an invoice was deposited to; null for a real one.
alter table invoice add column trial text;
grant select (trial) on invoice to chorale_status_api;
