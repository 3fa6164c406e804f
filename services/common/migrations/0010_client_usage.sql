-- Requests served, by day, client and what was asked for. People are counted together (subject ''): how often somebody
-- reads is nobody's business. Written every few seconds from memory.
create table client_usage (
    day date not null,
    subject text not null,
    tenant text not null,
    area text not null,
    act text not null check (act in ('read', 'write')),
    requests bigint not null,
    refused bigint not null,
    failed bigint not null,
    primary key (day, subject, tenant, area, act)
) with (fillfactor = 70);
