"""What became of every invoice: statuses, append-only history, parties, payment delay, live feed."""
