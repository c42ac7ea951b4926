-- An operator says that a refused credential may be tried again.
-- KEYS  1 state  2 tries  3 refused  4 doubted  5 accepted  6 places  7 np:suspended
-- ARGV  1 digest  2 device, or '' for all of them and everywhere
-- ->    how many suspensions have ended
local ended = 0
if ARGV[2] == '' then
  ended = redis.call('HLEN', KEYS[6]) + redis.call('HEXISTS', KEYS[1], 'all') + redis.call('HEXISTS', KEYS[1], 'new')
  redis.call('DEL', KEYS[3], KEYS[4], KEYS[6])
  redis.call('HDEL', KEYS[1], 'all', 'all_times', 'new', 'new_times')
else
  for _, place in ipairs(redis.call('HKEYS', KEYS[6])) do
    if place == ARGV[2] or string.sub(place, 1, #ARGV[2] + 1) == ARGV[2] .. ':' then
      ended = ended + redis.call('HDEL', KEYS[6], place)
      redis.call('ZREM', KEYS[3], place)
      redis.call('ZREM', KEYS[4], place)
    end
  end
end
if redis.call('EXISTS', KEYS[6]) == 0 and redis.call('HEXISTS', KEYS[1], 'all') + redis.call('HEXISTS', KEYS[1], 'new') == 0 then
  redis.call('ZREM', KEYS[7], ARGV[1])
end
if ended > 0 then tell('login', ARGV[1], 'reset') end
return ended
