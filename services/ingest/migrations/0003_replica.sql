-- The replica also holds engagements, and finds services and engagements by what is written on an invoice.
-- `name` is the comparison key of a service code or of a number (invoice.identifiers.normalise_code), as in the entry's
-- own key; `supplier` for whom an engagement is: a SIREN, or another identifier.
alter table directory_entry drop constraint directory_entry_kind_check;
alter table directory_entry add constraint directory_entry_kind_check
    check (kind in ('tenant', 'structure', 'service', 'engagement'));
alter table directory_entry add column name text not null default '';
alter table directory_entry add column supplier text;
update directory_entry set name = substring(entry from '/(.*)$') where kind = 'service' and entry like '%/%';

-- The first nine digits of a SIRET are the SIREN: the body whose budgets are structures of their own.
create index directory_entry_siblings on directory_entry (left(owner, 9), owner)
    where kind = 'structure' and not deleted;
create index directory_entry_reference on directory_entry (left(owner, 9), name)
    where kind in ('service', 'engagement') and not deleted;
create index directory_entry_supplier on directory_entry (owner, supplier)
    where kind = 'engagement' and not deleted;
