"""Attacks on a running broker, from outside, by somebody with an API key; docs/security.md has the table."""
