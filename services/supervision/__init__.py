"""Live figures over the event streams. Holds no business state: all of it can be made again from the topics."""
