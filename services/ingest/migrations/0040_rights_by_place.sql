-- A role counts where it is held. `structures` and `roles` of a deposit are those in which its depositor deposits; a role
-- that is held at one of the structures alone is written `role/SIRET`.
select set_config('search_path', current_schema() || ', pg_temp', true);

-- Whose files may be added to and read: one's own deposits, and the invoices that a structure of his issued, in the very
-- role in which it issued them.
create or replace function attaching(asked uuid)
    returns table (state text, depositor text, document_size bigint)
    language sql stable security definer set search_path from current
as $$
    select d.state, d.depositor, coalesce(d.size, 0) from deposit d
    where d.id = asked and (
        d.depositor = current_setting('chorale.subject', true)
        or (
            d.state = 'submitted'
            and string_to_array(current_setting('chorale.roles', true), ',') && array['FOURNISSEUR', 'MOE', 'MOA']
            and (
                d.issuer = any(string_to_array(current_setting('chorale.issuer_structures', true), ','))
                    and d.issuer = d.header ->> 'supplier_siret'
                or d.issuer = any(string_to_array(current_setting('chorale.moe_structures', true), ','))
                    and d.issuer = d.given #>> '{moe,siret}'
                or d.issuer = any(string_to_array(current_setting('chorale.moa_structures', true), ','))
                    and d.issuer = d.given #>> '{moa,siret}'
            )
        )
    )
$$;

-- Who only reads as the supplier reads the files of its invoices too, and adds none.
create function reading_files(asked uuid) returns boolean
    language sql stable security definer set search_path from current
as $$
    select exists (select from deposit d where d.id = asked and d.state = 'submitted'
        and 'LECTURE' = any(string_to_array(current_setting('chorale.roles', true), ','))
        and d.issuer = any(string_to_array(current_setting('chorale.supplier_structures', true), ','))
        and d.issuer = d.header ->> 'supplier_siret')
$$;
revoke all on function reading_files (uuid) from public;
grant execute on function reading_files (uuid) to chorale_ingest_api;
drop policy party_read on attachment;
create policy party_read on attachment for select to chorale_ingest_api
    using (exists (select from attaching(deposit_id)) or reading_files(deposit_id));
