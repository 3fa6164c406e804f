-- An operator's look at a reading is written into the trail of the recipient's tenant. Which bodies there are, and whose
-- they are, is in the public directory.
grant select (siret, tenant) on recipient to chorale_ocr_api;
