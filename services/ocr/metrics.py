"""Metrics of ocr."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

#: Documents with a result, by outcome: read, empty, unreadable.
RESULTS: Final = Counter("chorale_ocr_results_total", "Documents with a result", ["outcome"])
#: Time of one reading in the pool, waiting for a free reader excluded.
READ_SECONDS: Final = Histogram(
    "chorale_ocr_read_seconds", "Reading of one document", buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 20, 60)
)
#: Jobs put back, by reason: the store is away, an instance stops, a reader could not be had.
PUT_BACK: Final = Counter("chorale_ocr_jobs_put_back_total", "Jobs put back to the queue", ["reason"])
#: Results thrown away because another instance had finished the document first.
BEATEN: Final = Counter("chorale_ocr_results_beaten_total", "Results of documents that were already done")
#: Jobs that are not done, by state, and the age of the oldest.
JOBS: Final = Gauge("chorale_ocr_jobs", "Jobs not done", ["state"])
OLDEST_JOB: Final = Gauge("chorale_ocr_oldest_job_seconds", "Age of the oldest job that is not done", ["state"])
#: Acknowledged documents that the store does not have or has altered. Anything but 0 is an alarm.
DOCUMENTS_LOST: Final = Gauge("chorale_ocr_documents_lost", "Documents that cannot be had")
#: Reader processes that were lost, by reason: READER_TIMEOUT, READER_MEMORY, READER_CRASHED, READER_FAILED.
READERS_LOST: Final = Counter("chorale_ocr_readers_lost_total", "Reader processes lost", ["reason"])
#: Pages given as pictures, by outcome: kept (drawn before), drawn, refused; and the time that drawing takes.
PAGES: Final = Counter("chorale_ocr_pages_total", "Pages given as pictures", ["outcome"])
DRAW_SECONDS: Final = Histogram(
    "chorale_ocr_draw_seconds", "Drawing of one page", buckets=(0.02, 0.05, 0.1, 0.25, 1, 8)
)
