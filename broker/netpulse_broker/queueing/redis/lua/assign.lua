-- KEYS  1 device  2 node  3 node's devices  4 lease  5 orders  6 node's wake-up list (unused, reserved)
-- ARGV  1 node name  2 now (ISO)  3 device name  4 order (JSON)
-- ->    'assigned' | 'owned' | 'full' | 'gone'
if redis.call('HEXISTS', KEYS[1], 'token') == 1 then return 'owned' end
local lease = redis.call('GET', KEYS[4])
if not lease then return 'gone' end
local node = redis.call('HMGET', KEYS[2], 'capacity', 'draining', 'epoch', 'unfit')
if not node[1] or node[2] == '1' or (node[4] or '') ~= '' then return 'gone' end
if redis.call('SISMEMBER', KEYS[3], ARGV[3]) == 0 and redis.call('SCARD', KEYS[3]) >= tonumber(node[1]) then return 'full' end
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'epoch', node[3], 'token', lease .. '|0', 'state', 'assigned', 'since', ARGV[2])
redis.call('SADD', KEYS[3], ARGV[3])
redis.call('SREM', 'np:unplaced', ARGV[3])
redis.call('RPUSH', KEYS[5], ARGV[4])
return 'assigned'
