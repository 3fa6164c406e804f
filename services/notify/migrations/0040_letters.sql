-- Where messages of an account go as long as its owner has chosen nothing else: said by portal, which has proved it.
alter table contact
    add column login text,
    add column login_at timestamptz;
grant select (login) on contact to chorale_notify_api;
