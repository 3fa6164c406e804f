-- What a new invoice is compared with: the accounts that a supplier's structure has named to a tenant, and its invoices
-- by date and amount. Of one tenant only: what a supplier sends to another body is not this one's to know.
-- Written with the decision that submits an invoice; gone with the deposit.
create table supplier_account (
    tenant text not null,
    supplier text not null,
    iban text not null,
    first_deposit uuid not null references deposit (id) on delete cascade,
    first_at timestamptz not null,
    primary key (tenant, supplier, iban)
);
create index supplier_account_deposit on supplier_account (first_deposit);
create table earlier_invoice (
    deposit_id uuid primary key references deposit (id) on delete cascade,
    tenant text not null,
    supplier text not null,
    issue_date date not null,
    total numeric not null,
    type_code text not null,
    number text not null
);
create index earlier_invoice_same on earlier_invoice (tenant, supplier, issue_date, total, type_code);
