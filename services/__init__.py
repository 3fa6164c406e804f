"""The services of Chorale. A service imports `services.common` and never another service."""
