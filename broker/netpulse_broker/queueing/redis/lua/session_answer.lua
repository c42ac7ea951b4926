-- A worker's answer to an exchange: stored for repeats, and told to the controller that waits.
-- KEYS  1 session  2 answers  3 requests
-- ARGV  1 session id  2 seq  3 sealed answer  4 number of answers that are kept
-- ->    'done' | 'repeated' | 'missing'
if redis.call('EXISTS', KEYS[1]) == 0 then return 'missing' end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then return 'repeated' end
local time = redis.call('TIME')
local to = redis.call('HGET', KEYS[1], 'reply:' .. ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HDEL', KEYS[2], tostring(tonumber(ARGV[2]) - tonumber(ARGV[4])))
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
redis.call('HDEL', KEYS[1], 'reply:' .. ARGV[2])
redis.call('HDEL', KEYS[3], ARGV[2])
redis.call('HSET', KEYS[1], 'heard', time[1] * 1000 + math.floor(time[2] / 1000))
if to then reply(to, 'id', ARGV[1] .. '/' .. ARGV[2], 'sealed', ARGV[3]) end
return 'done'
