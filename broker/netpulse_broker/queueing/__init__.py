"""Jobs on their way: sealed in Redis, claimed once, answered once. ``docs/architecture.md`` draws the key space."""
