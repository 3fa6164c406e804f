-- Whoever deposits for a structure without having proved that he belongs to it begins the next invoice as his own last
-- one there, as he copies it by its number: what others issued there stays theirs.
select set_config('search_path', current_schema() || ', pg_temp', true);

create or replace function last_invoice_to(recipient text)
    returns uuid language sql stable security definer set search_path from current
as $$
    select d.id from deposit d
    where d.state = 'submitted' and d.header->>'recipient_siret' = recipient
        and d.issuer = any(string_to_array(current_setting('chorale.structures', true), ','))
        and (
            issues(d.issuer, d.header, d.given)
            or d.depositor = current_setting('chorale.subject', true) and still_his(d.issuer, d.header, d.given)
        )
    order by d.id desc limit 1
$$;
