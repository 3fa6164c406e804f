-- The API's role reads of accounts what is the caller's own, without what opens anything; it writes nothing here. What is
-- done before anybody has signed in, and every act, is done as the owner, keyed by what was proved.
create function own_account(subject text) returns boolean language sql stable as
$$ select subject = current_setting('chorale.subject', true) $$;

alter table account enable row level security;
create policy own on account for select to chorale_portal_api using (own_account(subject));
grant select (subject, email, name, language, state, created_at, activated_at, password_at, closed_at)
    on account to chorale_portal_api;

alter table account_claim enable row level security;
create policy own on account_claim for select to chorale_portal_api using (own_account(subject));
grant select on account_claim to chorale_portal_api;

alter table session enable row level security;
create policy own on session for select to chorale_portal_api using (own_account(subject));
grant select (id, subject, created_at, proved_at, last_used_at, expires_at, means, network, agent, revoked_at)
    on session to chorale_portal_api;

alter table totp enable row level security;
create policy own on totp for select to chorale_portal_api using (own_account(subject));
grant select (subject, asked_at, confirmed_at) on totp to chorale_portal_api;
alter table recovery_code enable row level security;
create policy own on recovery_code for select to chorale_portal_api using (own_account(subject));
grant select (subject, used_at) on recovery_code to chorale_portal_api;
alter table passkey enable row level security;
create policy own on passkey for select to chorale_portal_api using (own_account(subject));
grant select (id, subject, name, synced, made_at, last_used_at) on passkey to chorale_portal_api;
alter table provider_identity enable row level security;
create policy own on provider_identity for select to chorale_portal_api using (own_account(subject));
grant select (issuer, subject, linked_at, last_used_at) on provider_identity to chorale_portal_api;

-- Nobody but the owner: what opens something, what is waited for, what is counted.
alter table ticket enable row level security;
alter table mail_link enable row level security;
alter table errand enable row level security;
alter table wish enable row level security;
alter table wrong_password enable row level security;
alter table account_rate enable row level security;
alter table own_signing_key enable row level security;
