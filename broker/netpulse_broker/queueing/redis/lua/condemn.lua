-- A node's lease is gone: make sure that its process cannot take the same epoch again, then list what it held.
-- KEYS  1 lease  2 epoch  3 node's devices
-- ->    {'alive'} | {'condemned', device...}
if redis.call('EXISTS', KEYS[1]) == 1 then return { 'alive' } end
redis.call('INCR', KEYS[2])
local answer = { 'condemned' }
for _, device in ipairs(redis.call('SMEMBERS', KEYS[3])) do answer[#answer + 1] = device end
return answer
