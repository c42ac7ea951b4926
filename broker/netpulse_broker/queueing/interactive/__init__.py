"""Interactive sessions in Redis: options, exchanges, answers, files."""
