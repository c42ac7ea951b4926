-- Takes a dead letter up again.
-- KEYS  1 np:webhook:<delivery>  2 np:webhooks:dead  3 the attempt's job  4 np:webhooks:due
-- ARGV  1 delivery id  2 the attempt's id  3 due (ms)  4 now (ISO)  5... its fields: field, value, ...
-- ->    'recorded' | 'missing'
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 'missing' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[3], 'status', 'scheduled', 'created_at', ARGV[4], 'enqueued_at', ARGV[4], unpack(ARGV, 5))
redis.call('ZADD', KEYS[4], ARGV[3], ARGV[2])
return 'recorded'
