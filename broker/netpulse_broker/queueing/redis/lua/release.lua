-- An idle worker gives its device back, unless work has arrived meanwhile.
-- KEYS  1 device  2 claim list  3 node's devices  4 worker hash  5 wake-up list  6... lanes
-- ARGV  1 token  2 device name
-- ->    'released' | 'pending' | 'fenced'
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 'fenced' end
if redis.call('LLEN', KEYS[2]) > 0 then return 'pending' end
-- Work that is held back by a pause is no reason to stay; resume has the device placed again.
local paused = redis.call('HEXISTS', 'np:paused', ARGV[2]) == 1
for lane = 6, paused and 6 or #KEYS do
  if redis.call('LLEN', KEYS[lane]) > 0 then return 'pending' end
end
redis.call('DEL', KEYS[1], KEYS[5])
redis.call('SREM', KEYS[3], ARGV[2])
tell_worker_end(KEYS[4], 'ended', ARGV[2])
forget_worker(KEYS[4])
return 'released'
