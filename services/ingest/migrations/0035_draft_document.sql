-- A draft that began without a document (made again, or typed so far) may be given one, once.
select set_config('search_path', current_schema() || ', pg_temp', true);
create function give_draft_document(asked uuid, document jsonb)
    returns boolean language plpgsql security definer set search_path from current
as $$
begin
    update deposit set file_name = document->>'file_name', sha256 = document->>'sha256',
        size = (document->>'size')::bigint, media_type = document->>'media_type', bucket = document->>'bucket',
        object_key = document->>'key'
        where id = asked and depositor = current_setting('chorale.subject', true) and state = 'to_verify'
        and sha256 is null;
    return found;
end
$$;
revoke all on function give_draft_document (uuid, jsonb) from public;
grant execute on function give_draft_document (uuid, jsonb) to chorale_ingest_api;

-- Documents given to drafts and made of them have keys of their own: the sweep asks whether a deposit stands on one.
create index deposit_other_key on deposit (object_key) where position(id::text in object_key) = 0;
