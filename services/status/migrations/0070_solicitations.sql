-- Sollicitations stand in the story of the invoice that they are about: who asked whom, and that it was answered.
alter table history drop constraint history_kind_check;
alter table history add constraint history_kind_check
    check (kind in ('status', 'notice', 'delay', 'action', 'solicitation'));
alter table history add check (kind <> 'solicitation' or action is not null);
