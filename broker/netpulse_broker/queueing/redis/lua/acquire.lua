-- KEYS  1 lease  2 epoch  3 node
-- ARGV  1 node name  2 pid  3 ttl (ms)  4 lease that is known to be dead, or ''  5... node hash: field, value, ...
-- ->    {'acquired', epoch} | {'taken', lease, hostname, boot_id}
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[4] then
  local who = redis.call('HMGET', KEYS[3], 'hostname', 'boot_id')
  return { 'taken', held, who[1] or '', who[2] or '' }
end
local epoch = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2] .. '|' .. epoch, 'PX', ARGV[3])
redis.call('HSET', KEYS[3], 'epoch', epoch, 'pid', ARGV[2], 'draining', '0', unpack(ARGV, 5))
redis.call('SADD', 'np:nodes', ARGV[1])
return { 'acquired', epoch }
