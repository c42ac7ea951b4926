-- Let a device's queue go on.
-- KEYS  1 device  2 wake-up list  3... lanes
-- ARGV  1 device name  2 now (ISO)
-- ->    {'resumed' | 'repeated', number of waiting jobs, 1 when somebody has to place the device, else 0}
local resumed = redis.call('HDEL', 'np:paused', ARGV[1]) == 1
local pending = 0
for lane = 3, #KEYS do pending = pending + redis.call('LLEN', KEYS[lane]) end
local owner = redis.call('HMGET', KEYS[1], 'token', 'state')
if owner[2] == 'paused' then redis.call('HSET', KEYS[1], 'state', 'idle', 'since', ARGV[2]) end
local place = 0
if pending > 0 then
  if owner[1] then
    wake(KEYS[2])
  else
    redis.call('SADD', 'np:unplaced', ARGV[1])
    place = 1
  end
end
if resumed then tell('device', ARGV[1], 'resumed') end
return { resumed and 'resumed' or 'repeated', pending, place }
