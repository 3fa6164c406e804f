-- Where a document is, for as long as its reading is kept: jobs are forgotten after a while, pages are drawn for years.
alter table reading add column document jsonb;
update reading set document = job.document from job where job.event_id = reading.event_id;

-- A page that was drawn, or that could not be: then `refusal` says why and it is not tried again before a while.
create table page (
    invoice_id uuid not null,
    number integer not null check (number > 0),
    object_key text,
    sha256 text,
    size bigint,
    refusal jsonb,
    drawn_at timestamptz not null default now(),
    primary key (invoice_id, number),
    check ((refusal is null) = (object_key is not null and sha256 is not null and size is not null))
);
create index page_drawn on page (drawn_at);

-- A signed link opens one document: `chorale.document` is its id, and no principal is set.
create policy reading_of_link on reading to chorale_ocr_api
    using (invoice_id::text = current_setting('chorale.document', true));

alter table page enable row level security;
create policy page_of_link on page to chorale_ocr_api
    using (invoice_id::text = current_setting('chorale.document', true))
    with check (invoice_id::text = current_setting('chorale.document', true));
grant select, insert, update on page to chorale_ocr_api;
