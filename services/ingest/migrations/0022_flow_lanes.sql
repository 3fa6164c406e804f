-- Whose bodies an item goes to, as far as its data say ('' where they do not): a flow gives to each tenant in turn, and
-- no tenant has more than so many under way. Only for that turn: who may see an invoice is decided elsewhere.
alter table flow_item add column tenant text not null default '';
drop index flow_item_waiting;
create index flow_item_waiting on flow_item (flow_id, tenant, number)
    where outcome is null and deposit_id is null and reading is not null;

-- The same bytes put again under the same name are another file: one more try of the same flow, or a repeat.
alter table dropped_file add column modified_at timestamptz not null default '-infinity';
alter table dropped_file drop constraint dropped_file_pkey;
alter table dropped_file add primary key (account, object_key, etag, modified_at);
