-- A draft is a deposit that waits for a person. One that is typed has no document until it is sent: the platform then
-- makes one of what was typed.
alter table deposit alter column sha256 drop not null;
alter table deposit alter column size drop not null;
alter table deposit alter column media_type drop not null;
alter table deposit alter column bucket drop not null;
alter table deposit alter column object_key drop not null;
alter table deposit add constraint deposit_document_whole
    check (num_nulls(sha256, size, media_type, bucket, object_key) in (0, 5));
alter table deposit add constraint deposit_sent_has_document check (sha256 is not null or state = 'to_verify');

-- What a person wrote, as he wrote it, and where each value is from. A draft nobody has touched has no row: it is what
-- was read. `version` is what two windows compare before they write.
create table draft (
    deposit_id uuid primary key references deposit (id) on delete cascade,
    depositor text not null check (depositor <> ''),
    version integer not null check (version > 0),
    sheet jsonb not null,
    sources jsonb not null default '{}',
    copied_from uuid,
    saved_at timestamptz not null
);
alter table draft enable row level security;
create policy own_read on draft for select to chorale_ingest_api
    using (depositor = current_setting('chorale.subject', true));
create policy own_add on draft for insert to chorale_ingest_api
    with check (
        depositor = current_setting('chorale.subject', true)
        and exists (select from deposit d where d.id = deposit_id and d.state = 'to_verify')
    );
create policy own_change on draft for update to chorale_ingest_api
    using (
        depositor = current_setting('chorale.subject', true)
        and exists (select from deposit d where d.id = deposit_id and d.state = 'to_verify')
    );
grant select, insert, update (version, sheet, sources, saved_at) on draft to chorale_ingest_api;

-- The API still changes no deposit: it begins drafts without a document, and sends or drops its own by these functions.
drop policy own_add on deposit;
create policy own_add on deposit for insert to chorale_ingest_api
    with check (
        depositor = current_setting('chorale.subject', true)
        and (state in ('received', 'duplicate') or (state = 'to_verify' and sha256 is null))
    );

select set_config('search_path', current_schema() || ', pg_temp', true);
-- 'submitted'; 'taken': somebody has the number; 'gone': no draft of the asker's. The caller undoes all but the first.
create function submit_draft(asked uuid, decided jsonb, number_issuer text, number_year integer)
    returns text language plpgsql security definer set search_path from current
as $$
begin
    perform from deposit d where d.id = asked and d.depositor = current_setting('chorale.subject', true)
        and d.state = 'to_verify' for update;
    if not found then
        return 'gone';
    end if;
    if number_issuer is not null then
        if not exists (
            select from unnest(string_to_array(current_setting('chorale.structures', true), ',')) s
            where left(s, 9) = number_issuer
        ) then
            return 'gone';
        end if;
        insert into number_taken (issuer, year, number, deposit_id)
            values (number_issuer, number_year, decided->>'invoice_number', asked)
            on conflict (issuer, year, number) do nothing;
        if not found then
            return 'taken';
        end if;
    end if;
    update deposit set state = 'submitted', decided_at = (decided->>'decided_at')::timestamptz,
        invoice_number = decided->>'invoice_number', header = decided->'header', findings = decided->'findings',
        given = decided->'given', issuer = decided->>'issuer', works_file = (decided->>'works_file')::uuid,
        contact = decided->>'contact', structures = string_to_array(current_setting('chorale.structures', true), ','),
        roles = string_to_array(current_setting('chorale.roles', true), ','),
        file_name = decided->>'file_name', sha256 = coalesce(sha256, decided->>'sha256'),
        size = coalesce(size, (decided->>'size')::bigint), media_type = coalesce(media_type, decided->>'media_type'),
        bucket = coalesce(bucket, decided->>'bucket'), object_key = coalesce(object_key, decided->>'object_key')
        where id = asked;
    return 'submitted';
end
$$;
-- What a draft was and what stood on it; its files go with the sweep.
create function drop_draft(asked uuid)
    returns boolean language plpgsql security definer set search_path from current
as $$
begin
    perform from deposit d where d.id = asked and d.depositor = current_setting('chorale.subject', true)
        and d.state = 'to_verify' for update;
    if not found then
        return false;
    end if;
    delete from attachment where deposit_id in (select id from deposit where id = asked or duplicate_of = asked);
    delete from deposit where duplicate_of = asked;
    delete from deposit where id = asked;
    return true;
end
$$;
revoke all on function submit_draft (uuid, jsonb, text, integer), drop_draft (uuid) from public;
grant execute on function submit_draft (uuid, jsonb, text, integer), drop_draft (uuid) to chorale_ingest_api;

-- `document_size` of a deposit without a document is none.
create or replace function attaching(asked uuid)
    returns table (state text, depositor text, document_size bigint)
    language sql stable security definer set search_path from current
as $$
    select d.state, d.depositor, coalesce(d.size, 0) from deposit d
    where d.id = asked and (
        d.depositor = current_setting('chorale.subject', true)
        or (
            d.state = 'submitted'
            and d.issuer = any(string_to_array(current_setting('chorale.structures', true), ','))
            and string_to_array(current_setting('chorale.roles', true), ',') && array['FOURNISSEUR', 'MOE', 'MOA']
        )
    )
$$;

-- Drafts that waited before drafts aged begin to age where they are.
insert into timer (id, key, kind, due_at, next_try_at)
select gen_random_uuid(), d.id::text, 'draft_aged_' || days, d.decided_at + make_interval(days => days),
    d.decided_at + make_interval(days => days)
from deposit d cross join unnest(array[2, 7, 30]) days
where d.state = 'to_verify' and d.decided_at is not null and d.decided_at + make_interval(days => days) > now();
