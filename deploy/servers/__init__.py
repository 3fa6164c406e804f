"""The real servers Chorale stands on, each started as a child process on loopback."""
