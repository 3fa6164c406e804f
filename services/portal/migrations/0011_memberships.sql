-- Who belongs to a structure, as one of its suppliers' people or, at a public body, of those who receive. Whoever is not
-- verified deposits for it and sees what he deposited himself.
create table membership (
    id uuid primary key,
    structure uuid not null references structure (id),
    subject text not null check (subject <> ''),
    side text not null check (side in ('supplier', 'body')),
    verified boolean not null default false,
    verified_how text check (verified_how in ('proof', 'vouched', 'invited', 'approved', 'successor')),
    verified_by text,
    manager text check (manager in ('principal', 'secondaire')),
    since timestamptz not null,
    left_at timestamptz,
    check (verified or manager is null),
    check (verified = (verified_how is not null)),
    check (side = 'supplier' or verified)
);
create unique index membership_live on membership (structure, subject) where left_at is null;
create index membership_subject on membership (subject) where left_at is null;

-- A role given at a structure or at one of its services, perhaps for a time, perhaps to somebody who does not belong to it.
-- `side` is that of the managers who gave it: what a supplier gave lets see nothing that a body receives, should the
-- structure become one.
create table held_role (
    id uuid primary key,
    structure uuid not null references structure (id),
    subject text not null check (subject <> ''),
    role text not null check (role in
        ('FOURNISSEUR', 'VALIDATEUR', 'AGENT', 'FINANCE', 'COMPTABLE', 'MOE', 'MOA', 'LECTURE')),
    side text not null check (side in ('supplier', 'body')),
    service text,
    since timestamptz,
    until timestamptz,
    given_by text not null,
    given_at timestamptz not null,
    withdrawn_at timestamptz,
    check ((role = 'AGENT') = (service is not null)),
    check (since is null or until is null or since < until)
);
create unique index held_role_live on held_role (structure, subject, role, coalesce(service, ''))
    where withdrawn_at is null;
create index held_role_subject on held_role (subject) where withdrawn_at is null;

-- Rights outside any structure: a tenant's administrator, the operator, another service of the platform.
create table held_office (
    id uuid primary key,
    subject text not null check (subject <> ''),
    role text not null check (role in ('TENANT_ADMIN', 'OPERATEUR', 'SERVICE')),
    tenant text,
    given_by text not null,
    given_at timestamptz not null,
    withdrawn_at timestamptz,
    check ((role = 'TENANT_ADMIN') = (tenant is not null))
);
create unique index held_office_live on held_office (subject, role, coalesce(tenant, '')) where withdrawn_at is null;
create index held_office_tenant on held_office (tenant) where withdrawn_at is null and tenant is not null;

-- Somebody asks to belong to a structure (rattachement).
create table attachment_request (
    id uuid primary key,
    structure uuid not null references structure (id),
    subject text not null,
    message text not null,
    state text not null default 'asked' check (state in ('asked', 'approved', 'refused', 'expired', 'withdrawn')),
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    reason text,
    check ((state = 'asked') = (decided_at is null)),
    check (state <> 'refused' or reason <> '')
);
create unique index attachment_request_open on attachment_request (structure, subject) where state = 'asked';
create index attachment_request_subject on attachment_request (subject, asked_at desc);
create index attachment_request_structure on attachment_request (structure, asked_at desc);

-- Somebody is invited by mail. The word in the link follows from the id and the platform's
-- secret; the address goes when the invitation has ended.
create table invitation (
    id uuid primary key,
    structure uuid not null references structure (id),
    address text,
    manager text check (manager in ('principal', 'secondaire')),
    joins boolean not null,
    roles jsonb not null,
    delegation uuid,
    invited_by text not null,
    invited_at timestamptz not null,
    expires_at timestamptz not null,
    state text not null default 'sent' check (state in ('sent', 'accepted', 'cancelled', 'expired')),
    accepted_by text,
    ended_at timestamptz,
    check ((state = 'sent') = (ended_at is null)),
    check (state = 'sent' or address is null)
);
create index invitation_structure on invitation (structure, invited_at desc);

-- During somebody's leave another has his rights at one structure, from one instant to another.
create table delegation (
    id uuid primary key,
    structure uuid not null references structure (id),
    giver text not null,
    receiver text,
    since timestamptz not null,
    until timestamptz not null,
    made_by text not null,
    made_at timestamptz not null,
    ended_at timestamptz,
    check (since < until),
    check (giver <> receiver)
);
create index delegation_receiver on delegation (receiver) where ended_at is null;
create index delegation_giver on delegation (giver) where ended_at is null;
create index delegation_structure on delegation (structure);

-- A paper that proves that somebody may act for a structure. The file is in the store until its term ends.
create table proof (
    id uuid primary key,
    structure uuid not null references structure (id),
    subject text not null,
    kind text not null,
    dated date,
    file_name text not null,
    document jsonb,
    state text not null default 'submitted' check (state in ('submitted', 'approved', 'refused', 'withdrawn')),
    submitted_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    reason text,
    check ((state = 'submitted') = (decided_at is null)),
    check (state <> 'refused' or reason <> ''),
    check (state <> 'submitted' or document is not null)
);
create unique index proof_open on proof (structure, subject) where state = 'submitted';
create index proof_waiting on proof (submitted_at) where state = 'submitted';
create index proof_subject on proof (subject, submitted_at desc);

-- What was published of a subject last. A version is never used twice.
create table published_right (
    subject text primary key,
    version bigint not null,
    content jsonb not null,
    published_at timestamptz not null
);
