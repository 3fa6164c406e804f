-- Whether an earlier invoice was rejected or refused since: a credit note about it has no object. Few are, so the index
-- holds those only.
alter table earlier_invoice add column rejected boolean not null default false;
create index earlier_invoice_rejected on earlier_invoice (tenant, supplier, number) where rejected;
