-- Records a webhook that could not be delivered.
-- KEYS  1 np:webhook:<delivery>  2 np:webhooks:dead
-- ARGV  1 delivery id  2 now (ms)  3 seconds to keep it  4... fields: field, value, ...
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', tonumber(ARGV[2]) - tonumber(ARGV[3]) * 1000)
return 'recorded'
