-- How long an invoice has been in its status stands in the indexes of lists as well: what is too old or too young is
-- passed over there and not fetched.
drop index invoice_status, invoice_supplier, invoice_recipient, invoice_address, invoice_tenant;
create index invoice_status on invoice (status, submitted_at desc, id desc) include (due_on, status_at);
create index invoice_supplier on invoice (supplier, status, submitted_at desc, id desc)
    include (tenant, recipient, address, due_on, status_at);
create index invoice_recipient on invoice (recipient, status, submitted_at desc, id desc)
    include (supplier, tenant, due_on, status_at);
create index invoice_address on invoice (address, status, submitted_at desc, id desc)
    include (supplier, recipient, tenant, due_on, status_at) where address is not null;
create index invoice_tenant on invoice (tenant, status, submitted_at desc, id desc) include (due_on, status_at)
    where tenant is not null;
