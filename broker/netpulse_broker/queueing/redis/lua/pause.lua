-- Hold a device's queue: nothing more of it is started. Survives the worker: it stands apart from the device's record.
-- KEYS  1 device
-- ARGV  1 device name  2 since (ISO)  3 by whom
-- ->    {'paused' | 'repeated', since}
local before = redis.call('HGET', 'np:paused', ARGV[1])
if before then return { 'repeated', string.match(before, '^[^ ]*') } end
redis.call('HSET', 'np:paused', ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
if redis.call('HGET', KEYS[1], 'state') == 'idle' then redis.call('HSET', KEYS[1], 'state', 'paused', 'since', ARGV[2]) end
tell('device', ARGV[1], 'paused')
return { 'paused', ARGV[2] }
