"""Everything that starts, stops and builds: servers, topics, databases, the whole stack on one machine."""
