-- The public structures, from the directory's topic: the latest version of each, deletions included, so that no older
-- version comes back. `engagement_formats` are the shapes of its order numbers.
create table recipient (
    siret text primary key,
    version bigint not null,
    deleted boolean not null,
    engagement_formats jsonb not null
);
