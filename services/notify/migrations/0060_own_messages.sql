-- Whoever reads at an address sees what was written to it; `contact` is the address that the caller has proved.
create policy own on message for select to chorale_notify_api
    using (address <> '' and address = (select current_setting('chorale.contact', true)));
create index message_address on message (address, created_at desc, id desc) where address <> '';
