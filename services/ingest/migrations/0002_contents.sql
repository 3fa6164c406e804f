-- What else was seen in the document, beside the values read: page sizes, signatures, files carried, the source of the
-- values.
alter table deposit add column contents jsonb;
