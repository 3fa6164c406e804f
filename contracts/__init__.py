"""The public language of Chorale: events, topics, envelope, frozen schemas."""
