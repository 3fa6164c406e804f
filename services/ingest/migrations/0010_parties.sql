-- What the depositor gave beside the document (invoice.cadres.Given), the roles of his token, and, of an accepted
-- deposit: in whose name it was made (SIRET) and, of a works piece, the file it belongs to.
alter table deposit add column roles text[] not null default '{FOURNISSEUR}';
alter table deposit add column given jsonb not null default '{}';
alter table deposit add column issuer text;
alter table deposit add column works_file uuid;
update deposit set issuer = header->>'supplier_siret' where state = 'submitted';
