-- What the API's role may see. The owner (consumer, relay, jobs) is not subject to these policies.

-- A claim of the running request as a list. Wrapped in a sub-select below, it is evaluated once per statement.
create function claimed(name text) returns text[] language sql stable as
$$ select string_to_array(coalesce(current_setting('chorale.' || name, true), ''), ',') $$;

alter table invoice_party enable row level security;
create policy operator on invoice_party for select to chorale_status_api
    using ('OPERATEUR' = any ((select claimed('roles'))::text[]));
create policy supplier on invoice_party for select to chorale_status_api
    using (role = 'FOURNISSEUR'
        and structure = any ((select claimed('structures'))::text[])
        and (valid_until is null or valid_until > now()));
create policy service on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE'
        and address = any ((select claimed('services'))::text[])
        and (valid_until is null or valid_until > now()));
create policy whole_structure on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE'
        and 'GESTIONNAIRE' = any ((select claimed('roles'))::text[])
        and structure = any ((select claimed('structures'))::text[])
        and tenant = any ((select claimed('tenants'))::text[])
        and (valid_until is null or valid_until > now()));
create policy tenant on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE'
        and 'TENANT_ADMIN' = any ((select claimed('roles'))::text[])
        and tenant = any ((select claimed('tenants'))::text[])
        and (valid_until is null or valid_until > now()));

-- The sub-selects below run under the policies of invoice_party: a party that is not yours is not there. `offset 0`
-- keeps the planner from hashing everybody's parties to check a page of rows.
alter table invoice enable row level security;
create policy party on invoice for select to chorale_status_api
    using (exists (select from invoice_party p where p.invoice = invoice.id offset 0));

alter table history enable row level security;
create policy party on history for select to chorale_status_api
    using (exists (
        select from invoice_party p
        where p.invoice = history.invoice and (history.visibility = 'all' or p.role = 'DESTINATAIRE')
        offset 0));

-- The live feed reads what was sent. A party sees the entries since it became one, whenever it reads.
alter table outbox enable row level security;
create policy feed on outbox for select to chorale_status_api
    using (case when sequence is not null and topic = 'chorale.lifecycle.v1' then exists (
        select from invoice_party p
        where p.invoice = outbox.key::uuid
            and p.since_entry <= (convert_from(outbox.value, 'UTF8')::jsonb ->> 'entry')::integer
            and (p.role = 'DESTINATAIRE' or convert_from(outbox.value, 'UTF8')::jsonb ->> 'visibility' = 'all')
        offset 0)
        else false end);

grant select (id, number, header, submitted_at, status, status_at, entries, attempt, recipient_name, service_code,
    service_label, tenant, available_entry, available_at, payment_delay_started_on, payment_delay_started_at,
    payment_delay_source) on invoice to chorale_status_api;
grant select (invoice, entry, kind, status_from, status_to, actor, at, visibility, reasons, notice)
    on history to chorale_status_api;
grant select on invoice_party to chorale_status_api;
grant select (topic, key, headers, value, sequence) on outbox to chorale_status_api;

-- The kept stretch of the feed, which a party cannot see from its own rows alone. `first` and `last` are null when
-- nothing is kept; `counter` may be ahead of what is committed and only says what had been sent before that.
create function feed_bounds(out first bigint, out last bigint, out counter bigint) language sql stable security definer
set search_path from current as $$
    select (select min(sequence) from outbox), (select max(sequence) from outbox),
        (select case when is_called then last_value else 0 end from outbox_sequence_counter)
$$;
revoke all on function feed_bounds() from public;
grant execute on function feed_bounds() to chorale_status_api;
