-- A role counts where it is held and nowhere else: who is a supplier at A and the comptable of B is never the comptable
-- of A. Each list of the running request names the places of one kind of right; `roles` alone decides nothing any more
-- but whether somebody is an operator.

-- Who deposited it, beside the supplier: whoever is not verified yet sees what he deposited himself and nothing else.
alter table invoice_party
    add column depositor text,
    add check (depositor is null or role = 'FOURNISSEUR');
update invoice_party p set depositor = i.depositor from invoice i where i.id = p.invoice and p.role = 'FOURNISSEUR';
create index invoice_party_depositor on invoice_party (depositor, submitted_at desc, invoice desc)
    where depositor is not null;

drop policy supplier on invoice_party;
drop policy service on invoice_party;
drop policy whole_structure on invoice_party;
drop policy comptable on invoice_party;
drop policy finance on invoice_party;
drop policy tenant on invoice_party;
drop policy guest on invoice_party;
create policy supplier on invoice_party for select to chorale_status_api
    using (role = 'FOURNISSEUR'
        and structure = any ((select claimed('supplier_structures'))::text[])
        and (valid_until is null or valid_until > now()));
create policy depositor on invoice_party for select to chorale_status_api
    using (role = 'FOURNISSEUR'
        and depositor = (select current_setting('chorale.subject', true))
        and structure = any ((select claimed('deposit_structures'))::text[])
        and (valid_until is null or valid_until > now()));
create policy service on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE' and address = any ((select claimed('recipient_services'))::text[]));
create policy whole_structure on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE'
        and structure = any ((select claimed('recipient_structures'))::text[])
        and tenant = any ((select claimed('tenants'))::text[]));
create policy tenant on invoice_party for select to chorale_status_api
    using (role = 'DESTINATAIRE' and tenant = any ((select claimed('admin_tenants'))::text[]));
create policy guest on invoice_party for select to chorale_status_api
    using (case role
        when 'VALIDATEUR' then structure = any ((select claimed('validator_structures'))::text[])
        when 'MOE' then structure = any ((select claimed('moe_structures'))::text[])
        when 'MOA' then structure = any ((select claimed('moa_structures'))::text[])
        end or role in ('VALIDATEUR', 'MOE', 'MOA') and address = any ((select claimed('guest_services'))::text[]));

drop policy tenant on tally;
drop policy whole_structure on tally;
drop policy service on tally;
drop policy supplier on tally;
create policy tenant on tally for select to chorale_status_api
    using (kind in ('service', 'month', 'since', 'due')
        and scope not in ('', '*') and scope = any ((select claimed('admin_tenants'))::text[]));
create policy whole_structure on tally for select to chorale_status_api
    using (kind in ('service', 'month', 'since', 'due')
        and structure = any ((select claimed('recipient_structures'))::text[])
        and scope not in ('', '*') and scope = any ((select claimed('tenants'))::text[]));
create policy service on tally for select to chorale_status_api
    using (kind = 'service' and scope not in ('', '*')
        and (structure || '/' || service) = any ((select claimed('recipient_services'))::text[]));
create policy supplier on tally for select to chorale_status_api
    using (kind = 'supplier' and scope = any ((select claimed('supplier_structures'))::text[]));
