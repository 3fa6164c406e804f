-- The history proves itself. Every entry has a salt and `chain`: the digest of the entry before it and of its own salted
-- facts. Facts are all columns that hold something, in PostgreSQL's text of jsonb; so a column added later must be
-- nullable and without a default, then it is in the proof by itself and changes no digest written before.
-- Names and comments stand beside: the facts hold salted digests of them, and erasing the words leaves the chain whole.
alter table history
    add column if not exists by_subject text,
    add column if not exists comment text,
    add column salt bytea,
    add column chain bytea,
    add column subject_salt bytea,
    add column subject_digest bytea,
    add column comment_salt bytea,
    add column comment_digest bytea,
    add column erased_at timestamptz,
    -- The chain's trigger asks for the entry before: no gap can be written.
    drop column previous;

create function history_facts(line history) returns jsonb language sql stable
set timezone = 'UTC' set bytea_output = 'hex' as $$
    select jsonb_strip_nulls(to_jsonb(line)
        - '{salt,chain,by_subject,subject_salt,comment,comment_salt,erased_at}'::text[])
$$;

-- Whoever knows an entry's digest without its salt can neither read the entry nor guess it.
create function entry_digest(salt bytea, facts jsonb) returns bytea language sql immutable as $$
    select sha256(salt || convert_to(facts::text, 'UTF8'))
$$;

create function chain_start(invoice uuid) returns bytea language sql immutable as $$
    select sha256(convert_to('chorale.history/1 ' || invoice, 'UTF8'))
$$;

create function chain_entry() returns trigger language plpgsql as $$
declare
    before bytea;
begin
    if new.entry = 1 then
        before := chain_start(new.invoice);
    else
        select chain into before from history where invoice = new.invoice and entry = new.entry - 1;
        if before is null then
            raise exception 'history: entry % of invoice % has none before it', new.entry, new.invoice
                using errcode = 'foreign_key_violation';
        end if;
    end if;
    new.erased_at := null;
    new.subject_salt := case when new.by_subject is not null then uuid_send(gen_random_uuid()) end;
    new.subject_digest := sha256(new.subject_salt || convert_to(new.by_subject, 'UTF8'));
    new.comment_salt := case when new.comment is not null then uuid_send(gen_random_uuid()) end;
    new.comment_digest := sha256(new.comment_salt || convert_to(new.comment, 'UTF8'));
    new.salt := uuid_send(gen_random_uuid());
    new.chain := sha256(before || entry_digest(new.salt, history_facts(new)));
    return new;
end $$;

-- Entries written before this migration are chained as they stand.
alter table history disable trigger history_rows;
do $$
declare
    line history;
    before bytea;
    fresh bytea;
begin
    for line in select * from history order by invoice, entry loop
        before := case when line.entry = 1 then chain_start(line.invoice) else before end;
        fresh := uuid_send(gen_random_uuid());
        before := sha256(before || entry_digest(fresh, history_facts(line)));
        update history set salt = fresh, chain = before where invoice = line.invoice and entry = line.entry;
    end loop;
end $$;
alter table history alter column salt set not null, alter column chain set not null;
create trigger history_chain before insert on history for each row execute function chain_entry();

-- Nothing is changed but by erasure: words, with their salts, become null and nothing else moves.
create or replace function refuse_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if new.erased_at is not null
            and ((old.by_subject is not null and new.by_subject is null)
                or (old.comment is not null and new.comment is null))
            and ((new.by_subject is null and new.subject_salt is null)
                or (new.by_subject, new.subject_salt) is not distinct from (old.by_subject, old.subject_salt))
            and ((new.comment is null and new.comment_salt is null)
                or (new.comment, new.comment_salt) is not distinct from (old.comment, old.comment_salt))
            and to_jsonb(new) - '{by_subject,subject_salt,comment,comment_salt,erased_at}'::text[]
                = to_jsonb(old) - '{by_subject,subject_salt,comment,comment_salt,erased_at}'::text[]
        then
            return new;
        end if;
    end if;
    raise exception 'history is append-only: % refused', tg_op using errcode = 'restrict_violation';
end $$;
-- `always`: also while a session replays what a replica sends. The owner gives up the rights that it does not need.
alter table history
    enable always trigger history_rows,
    enable always trigger history_truncate,
    enable always trigger history_chain;
revoke update, delete, truncate on history from chorale_status;
grant update (by_subject, subject_salt, comment, comment_salt, erased_at) on history to chorale_status;

create function erase_words(of_invoice uuid, of_entry integer, names boolean default true, comments boolean default true)
returns boolean language sql as $$
    with erased as (
        update history set
            by_subject = case when names then null else by_subject end,
            subject_salt = case when names then null else subject_salt end,
            comment = case when comments then null else comment end,
            comment_salt = case when comments then null else comment_salt end,
            erased_at = now()
        where invoice = of_invoice and entry = of_entry
            and ((names and by_subject is not null) or (comments and comment is not null))
        returning 1)
    select exists (select from erased)
$$;
create function erase_person(name text) returns bigint language sql as $$
    select count(*) from (select invoice, entry from history where by_subject = name) found
    where erase_words(found.invoice, found.entry, true, false)
$$;
revoke all on function erase_words(uuid, integer, boolean, boolean) from public;
revoke all on function erase_person(text) from public;
