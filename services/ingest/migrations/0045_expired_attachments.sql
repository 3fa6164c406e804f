-- When the files of a deposit were deleted at the end of their term: also for whom a link shows one attachment of it, and
-- not the deposit. Asked only of an attachment that the caller may see.
select set_config('search_path', current_schema() || ', pg_temp', true);
create function files_expired(asked uuid)
    returns timestamptz language sql stable security definer set search_path from current
as $$ select expired_at from deposit where id = asked and exists (select from attachment where deposit_id = asked) $$;
revoke all on function files_expired (uuid) from public;
grant execute on function files_expired (uuid) to chorale_ingest_api;
