-- Accounts of people. `email` is the login as its owner writes it, `email_key` as it is compared; both go when the account
-- is erased, and the row stays as a name that is never given again.
create table account (
    subject text primary key check (subject ~ '^person:[0-9a-f-]{36}$'),
    email text,
    email_key text unique,
    name text not null default '',
    language text not null default 'fr' check (language in ('fr', 'en')),
    state text not null check (state in ('pending', 'active', 'locked', 'closed')),
    password_hash text,
    sessions_from timestamptz,
    created_at timestamptz not null,
    activated_at timestamptz,
    password_at timestamptz,
    closed_at timestamptz,
    erased_at timestamptz,
    check ((email is null) = (email_key is null)),
    check ((email is null) = (erased_at is not null)),
    check ((state = 'closed') = (closed_at is not null))
);
create index account_to_erase on account (closed_at) where state = 'closed' and erased_at is null;

-- What was said at sign-up of the structure: read when the account is activated.
create table account_claim (
    subject text primary key references account (subject),
    identifier_type text not null,
    identifier text not null,
    normalised text not null,
    structure_name text not null default '',
    address jsonb not null default '{}',
    proof_kind text,
    proof_reference text,
    claimed_at timestamptz not null,
    done_at timestamptz
);

-- A browser's session. The cookie's secret is 256 random bits, here is its SHA-256; `network` is coarse on purpose.
create table session (
    id uuid primary key,
    subject text not null references account (subject),
    digest bytea not null unique check (octet_length(digest) = 32),
    created_at timestamptz not null,
    proved_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    means text[] not null,
    network text not null,
    agent text not null,
    provider_token bytea,
    revoked_at timestamptz,
    revoked_why text
) with (fillfactor = 80);
create index session_subject on session (subject, created_at desc);
create index session_end on session (expires_at);

-- A sign-in that waits for its second factor, or a ceremony of a passkey or of a provider: one use, a few minutes.
create table ticket (
    id uuid primary key,
    digest bytea not null unique check (octet_length(digest) = 32),
    kind text not null check (kind in ('second', 'passkey_add', 'passkey_sign_in', 'provider')),
    subject text,
    data bytea not null,
    expires_at timestamptz not null,
    failures integer not null default 0
);
create index ticket_end on ticket (expires_at);

-- Second factors. Secrets of one-time passwords are wrapped; recovery codes are 80 random bits, here is their SHA-256.
create table totp (
    subject text primary key references account (subject),
    wrapped bytea not null,
    asked_at timestamptz not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0
);
create table recovery_code (
    subject text not null references account (subject),
    digest bytea not null check (octet_length(digest) = 32),
    used_at timestamptz,
    primary key (subject, digest)
);
create table passkey (
    id bytea primary key,
    subject text not null references account (subject),
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,
    synced boolean not null,
    made_at timestamptz not null,
    last_used_at timestamptz
);
create index passkey_subject on passkey (subject);

-- Who an outside provider says somebody is. The issuer's own name for him is the only link to an account.
create table provider_identity (
    issuer text not null,
    provider_subject text not null,
    subject text not null references account (subject),
    linked_at timestamptz not null,
    last_used_at timestamptz,
    primary key (issuer, provider_subject)
);
create index provider_identity_subject on provider_identity (subject);

-- Links of mails. The word in the link follows from the id and the platform's secret: nothing here opens anything.
create table mail_link (
    id uuid primary key,
    subject text not null references account (subject),
    purpose text not null
        check (purpose in ('activation', 'reset', 'email_old', 'email_new', 'provider', 'reopen')),
    data jsonb not null default '{}',
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index mail_link_subject on mail_link (subject, purpose);

-- What is to be asked of notify: a letter, a contact address, its erasure. Idempotent by id, tried until it is done.
create table errand (
    id uuid primary key,
    kind text not null check (kind in ('letter', 'contact', 'forget')),
    data jsonb not null,
    link uuid,
    made_at timestamptz not null,
    next_attempt_at timestamptz not null,
    attempts integer not null default 0,
    done_at timestamptz,
    refused text
) with (fillfactor = 80);
create index errand_due on errand (next_attempt_at) where done_at is null;
create index errand_done on errand (done_at) where done_at is not null;

-- What somebody without a session asked for. The request only writes a row, whatever accounts there are; a worker looks.
create table wish (
    id uuid primary key,
    kind text not null check (kind in ('sign_up', 'reset', 'provider', 'locked', 'email')),
    email text not null,
    data bytea not null,
    made_at timestamptz not null,
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now()
);
create index wish_due on wish (next_attempt_at);

-- Wrong passwords by address, whether or not it is an account's; and requests by network and address.
create table wrong_password (
    key bytea primary key,
    failures integer not null,
    locked_until timestamptz,
    last_at timestamptz not null
) with (fillfactor = 70);
create table account_rate (
    key bytea not null,
    name text not null,
    seconds integer not null,
    started_at timestamptz not null,
    used integer not null,
    primary key (key, name)
) with (fillfactor = 70);

-- Keys that sign tokens; the private one is wrapped. `signs_from`: published earlier, so that everybody has it by then.
create table own_signing_key (
    kid text primary key,
    public_key bytea not null,
    wrapped bytea not null,
    made_at timestamptz not null,
    signs_from timestamptz not null,
    until timestamptz,
    version integer not null default 1
);
