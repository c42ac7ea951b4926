"""Connections to Redis, the names of all keys, scripts, and what is sealed."""
