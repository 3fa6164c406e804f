-- Where the documents of an invoice lie: the claim checks that its events carried. Whoever sees the invoice has them.
create table invoice_document (
    invoice uuid not null,
    document text not null,
    name text not null,
    claim jsonb not null,
    primary key (invoice, document)
);
alter table invoice_document enable row level security;
create policy party on invoice_document for select to chorale_status_api
    using (exists (select from invoice i where i.id = invoice_document.invoice));
grant select on invoice_document to chorale_status_api;
