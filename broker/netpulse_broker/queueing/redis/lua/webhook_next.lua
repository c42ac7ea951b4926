-- Records the next attempt of a webhook's delivery.
-- KEYS  1 the attempt's job  2 np:webhooks:due
-- ARGV  1 its id  2 due (ms)  3 now (ISO)  4... its fields: field, value, ...
-- ->    'recorded' | 'repeated'
if redis.call('EXISTS', KEYS[1]) == 1 then return 'repeated' end
redis.call('HSET', KEYS[1], 'status', 'scheduled', 'created_at', ARGV[3], 'enqueued_at', ARGV[3], unpack(ARGV, 4))
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return 'recorded'
