-- A deposit that was refused for what it says is made again beside its own page: the draft stands on the same document,
-- shows what was read of it, and its pages are those that were drawn for the deposit that was refused.
alter table deposit add column read_as uuid;

select set_config('search_path', current_schema() || ', pg_temp', true);
-- False where there is nothing to stand on, or where another deposit of the same document waits or was accepted.
create function take_refused_document(asked uuid, refused uuid)
    returns boolean language plpgsql security definer set search_path from current
as $$
begin
    update deposit d set file_name = r.file_name, sha256 = r.sha256, size = r.size, media_type = r.media_type,
        bucket = r.bucket, object_key = r.object_key, pack_offset = r.pack_offset, fields = r.fields,
        contents = r.contents, read_as = r.id
        from deposit r
        where d.id = asked and d.depositor = current_setting('chorale.subject', true) and d.state = 'to_verify'
        and d.sha256 is null and r.id = refused and r.depositor = d.depositor and r.state = 'refused'
        and r.sha256 is not null;
    return found;
exception when unique_violation then
    return false;
end
$$;
revoke all on function take_refused_document (uuid, uuid) from public;
grant execute on function take_refused_document (uuid, uuid) to chorale_ingest_api;
