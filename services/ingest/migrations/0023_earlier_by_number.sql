-- The first of the invoices that a new one may be confused with is found by one step of the index, however many there are.
create index earlier_invoice_first on earlier_invoice (tenant, supplier, issue_date, total, type_code, number);
drop index earlier_invoice_same;
