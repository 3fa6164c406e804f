"""ingest: takes deposits, completes them from their reading, and says what became of them."""
