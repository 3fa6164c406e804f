-- What was asked of a tenant by command, for the record: who opened, suspended, exported or deleted it, and when.
create table tenant_command (
    id uuid primary key,
    tenant text not null,
    command text not null check (command in ('create', 'suspend', 'resume', 'export', 'delete')),
    commanded_by text not null,
    commanded_at timestamptz not null
);
create index tenant_command_tenant on tenant_command (tenant, commanded_at);

-- Found by the code or number that an invoice writes, among the structures of one SIREN.
create index service_of_company on service (left(siret, 9), code);
create index engagement_of_company on engagement (left(siret, 9), number);
