-- May a login to this device begin now? The generic cell rate algorithm (ITU-T I.371) over Redis' own clock.
-- KEYS  1 time up to which the device's allowance is used (ms)
-- ARGV  1 ms per login  2 logins that may come at once
-- ->    0 (and it is taken) | ms to wait
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local used = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local early = used - (tonumber(ARGV[2]) - 1) * tonumber(ARGV[1])
if early > now then return early - now end
used = used + tonumber(ARGV[1])
redis.call('SET', KEYS[1], used, 'PX', used - now)
return 0
