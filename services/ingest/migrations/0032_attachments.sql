-- A short name for exchanges that cut names at 50 characters, unique in its deposit; a piece that is reused, or a paper
-- that was dropped as an invoice, stands on the object of the deposit that it came with.
alter table attachment add column short_name text;
alter table attachment add column pack_offset bigint;
with numbered as (
    select id, name, row_number() over (partition by deposit_id, lower(left(name, 46)) order by id) as nth from attachment
)
update attachment a set short_name = case when n.nth = 1 and length(n.name) <= 50 then n.name
    else left(regexp_replace(n.name, '\.[^.]{1,10}$', ''), 34) || '~' || n.nth || coalesce(substring(n.name from '\.[^.]{1,10}$'), '')
    end
from numbered n where n.id = a.id;
alter table attachment alter column short_name set not null;
alter table attachment add constraint attachment_short_name check (length(short_name) between 1 and 50);
create unique index attachment_short_name_once on attachment (deposit_id, lower(short_name));
create index attachment_object on attachment (object_key);
