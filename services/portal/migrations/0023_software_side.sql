-- Which side of a structure gave software its rights. A supplier may be found to be a public body later: what its supplier's
-- people had registered reads nothing that the body receives, until somebody who manages the body says so.
alter table software add column side text not null default 'supplier' check (side in ('supplier', 'body'));
update software set side = 'body' where tenant is not null;
