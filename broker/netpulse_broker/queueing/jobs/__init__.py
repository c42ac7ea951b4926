"""Jobs in Redis: payload, record, queues, index, replies, and changes with a timer."""
