"""A small service on the real plumbing: what the tests of services/common drive."""
