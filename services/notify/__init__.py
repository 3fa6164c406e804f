"""E-mail: who is told of what, the addresses, the messages and every attempt to hand one over."""
