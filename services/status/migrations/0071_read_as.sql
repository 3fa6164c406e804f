-- An invoice that was made again with the document of a deposit that was refused: its pages are those drawn for that one.
alter table invoice add column read_as uuid;
grant select (read_as) on invoice to chorale_status_api;
