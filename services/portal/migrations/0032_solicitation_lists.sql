-- Lists of sollicitations are read place by place, each by an index in the order of the list; none walks them all.
drop index solicitation_newest;
drop index solicitation_asker;
drop index solicitation_addressee;
drop index solicitation_tenant;
create index solicitation_asker on solicitation (asker_structure, changed_at desc, id desc)
    where asker_structure is not null;
create index solicitation_addressee on solicitation (addressee_structure, changed_at desc, id desc)
    where addressee_structure is not null;
create index solicitation_tenant on solicitation (tenant, changed_at desc, id desc) where tenant is not null;
-- What ends by itself: questions that nobody answers, and sollicitations that were closed long ago.
create index solicitation_unanswered on solicitation (changed_at) where state = 'waiting';
create index solicitation_closed on solicitation (closed_at) where closed_at is not null;
create index solicitation_paper_key on solicitation_paper ((document ->> 'key')) where document is not null;
-- What a writer's key was given for: the same key with other words is refused.
alter table announcement add column asked_digest text;
