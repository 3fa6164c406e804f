"""Accounts, sessions, structures, memberships, rights, software: who may see and do what, for people and programs."""
