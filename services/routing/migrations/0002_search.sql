-- Search of the public directory by core PostgreSQL alone: no extension has to be installed by an administrator.
-- Words are lower case, without accents, [a-z0-9]+ (services.routing.words). How it works: docs/decisions/0016.
-- `words` is null until the service has split the entry, which it does for what stood here before at its next start.
alter table structure drop column search;
alter table structure add column label text not null default '', add column words text;
alter table service add column words text;

create table search_entry (
    siret text primary key references structure (siret) on delete cascade,
    active boolean not null,
    label text not null,
    names tsvector not null,
    words tsvector not null,
    parts text[] not null -- every four digits in a row
);
create index search_entry_names on search_entry using gin (names) with (fastupdate = off);
create index search_entry_words on search_entry using gin (words) with (fastupdate = off);
create index search_entry_parts on search_entry using gin (parts) with (fastupdate = off);
create index search_entry_ending on search_entry (reverse(siret));

-- The words there are, and each without one or two of its first letters: what a typing error is looked up by.
-- `uses` counts the entries that brought the word; it only orders proposals, so it is never lowered.
create table search_word (
    word text collate "C" primary key,
    uses bigint not null
);
create table search_variant (
    variant text collate "C" not null,
    word text collate "C" not null,
    primary key (variant, word)
);

-- What a body's services and its own names say, as one entry.
create function reindex(sirets text[]) returns void language sql
begin atomic
    insert into search_entry (siret, active, label, names, words, parts)
    select s.siret, coalesce((s.entry->>'active')::boolean, true), s.label, array_to_tsvector(n.words),
        array_to_tsvector(n.words || coalesce(v.words, '{}')),
        array(select distinct substr(s.siret, n, 4) from generate_series(1, 11) n)
    from structure s
    cross join lateral (select string_to_array(coalesce(s.words, ''), ' ') as words) n
    left join lateral (
        select array_agg(distinct w) as words from service x, string_to_table(x.words, ' ') w where x.siret = s.siret
    ) v on true
    where s.siret = any(sirets)
    on conflict (siret) do update set active = excluded.active, label = excluded.label, names = excluded.names,
        words = excluded.words;
end;

-- Entries that answer a query, best first; `own` looks at a body's own names only, not at its services. At most 400
-- candidates are ranked, so that a word which half the country has in common costs no more than another.
create function search_hits(own boolean, wanted_words tsquery, any_of tsquery, wanted integer)
    returns table (siret text) language sql stable
    set enable_seqscan = off set plan_cache_mode = force_custom_plan set max_parallel_workers_per_gather = 0
as $$
    with named as materialized (
        select e.* from search_entry e where own and e.names @@ wanted_words limit 400
    ), served as materialized (
        select e.* from search_entry e where not own and e.words @@ wanted_words limit 400
    ), found as (select * from named union all select * from served)
    select f.siret from found f
    order by f.active desc, 2 * ts_rank(f.names, any_of) + ts_rank(f.words, any_of) desc, length(f.label), f.label
    limit wanted
$$;

-- SIRETs that hold these digits anywhere, four of them at least.
create function sirets_holding(digits text, wanted integer) returns table (siret text) language sql stable
    set enable_seqscan = off set plan_cache_mode = force_custom_plan set max_parallel_workers_per_gather = 0
as $$
    select e.siret from search_entry e
    where e.parts @> array(select substr(digits, n, 4) from generate_series(1, length(digits) - 3) n)
        and e.siret like '%' || digits || '%'
    limit wanted
$$;

grant select on search_entry, search_word, search_variant to chorale_routing_api;
grant select (words) on service to chorale_routing_api;
grant select (label) on structure to chorale_routing_api;
