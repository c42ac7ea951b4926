-- A FIFO worker has ended by itself with nothing claimed.
-- KEYS  1 worker hash  2 node's devices
-- ARGV  1 worker name
-- ->    1
tell_worker_end(KEYS[1], 'ended', '')
forget_worker(KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
