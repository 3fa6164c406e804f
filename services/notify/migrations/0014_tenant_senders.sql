-- The address at which a tenant reads answers: its mails name it as Reply-To. Deletions stay, so that no older version
-- comes back.
create table tenant_sender (
    tenant text primary key,
    sender text,
    version bigint not null,
    deleted boolean not null
);
