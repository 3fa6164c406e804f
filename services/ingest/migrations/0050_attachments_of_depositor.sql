-- The pieces that somebody has sent, newest first: what he may send again without uploading it.
create index attachment_of_depositor on attachment (stored_by, id desc);
