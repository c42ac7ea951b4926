"""Events and metrics in Redis."""
