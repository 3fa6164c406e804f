-- What is over by its date is told, where whoever stood in has made secrets of software: those of before end so, too.
insert into timer (id, key, kind, due_at, next_try_at)
select gen_random_uuid(), id::text, 'delegation_over', until, until from delegation where ended_at is null and until > now();
