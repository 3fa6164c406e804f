-- Whoever only reads as a supplier sees its addresses and changes none, whatever he is elsewhere: to write one's own address
-- there is to have the supplier's messages.
create function answers_for(siret text, side text) returns boolean language sql stable as $$
    select speaks_for(siret, side) and (side <> 'supplier' or siret = any (claimed('issuer_structures')))
$$;
drop policy structure on correspondent;
create policy structure_reads on correspondent for select to chorale_notify_api using (speaks_for(siret, role));
create policy structure_adds on correspondent for insert to chorale_notify_api with check (answers_for(siret, role));
create policy structure_removes on correspondent for delete to chorale_notify_api using (answers_for(siret, role));
