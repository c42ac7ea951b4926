-- KEYS  1 lease  2 epoch  3 node
-- ARGV  1 lease value  2 epoch  3 ttl (ms)  4 node name  5... node hash: field, value, ...
-- ->    {'held' | 'retaken' | 'lost', Redis' time: seconds, microseconds}
local time = redis.call('TIME')
local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { 'held', time[1], time[2] }
end
if held then return { 'lost', time[1], time[2] } end
local newest = redis.call('GET', KEYS[2])
if newest and newest ~= ARGV[2] then return { 'lost', time[1], time[2] } end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('HSET', KEYS[3], 'epoch', ARGV[2], unpack(ARGV, 5))
redis.call('SADD', 'np:nodes', ARGV[4])
return { 'retaken', time[1], time[2] }
