-- May this credential be shown to this device now? See queueing.logins.ledger for the rules.
-- KEYS  1 state  2 tries  3 refused  4 doubted  5 accepted  6 places
-- ARGV  1 try  2 device  3 ms that the try may last  4 tries at a time while nothing proves the credential
--       5 ms for which a success proves it  6 ms for which a refusal counts
-- ->    {'go'} | {'wait'} | {'suspended', until (ms), 'device' | 'new' | 'all', refusals}
local at = now()
local known = redis.call('ZSCORE', KEYS[5], ARGV[2])
local place = redis.call('HGET', KEYS[6], ARGV[2])
if place then
  local till, times = string.match(place, '^(%d+) (%d+) ')
  if tonumber(till) > at then return { 'suspended', till, 'device', times } end
end
local state = redis.call('HMGET', KEYS[1], 'proven', 'all', 'new')
local all, new = tonumber(state[2] or 0), known and 0 or tonumber(state[3] or 0)
if all > at then return { 'suspended', state[2], 'all', redis.call('ZCARD', KEYS[4]) } end
if new > at then return { 'suspended', state[3], 'new', redis.call('ZCARD', KEYS[3]) } end
if redis.call('ZSCORE', KEYS[2], 'k' .. ARGV[1]) or redis.call('ZSCORE', KEYS[2], 'n' .. ARGV[1]) then return { 'go' } end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', at)
-- Who has taken it before is not held up by those who have not: a device of an attacker's own is one of these.
local under_way = 0
for _, one in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if not known or string.sub(one, 1, 1) == 'k' then under_way = under_way + 1 end
end
local refusals = redis.call('ZCOUNT', KEYS[4], at - ARGV[6], '+inf')
if not known then refusals = refusals + redis.call('ZCOUNT', KEYS[3], at - ARGV[6], '+inf') end
if all > 0 or new > 0 then
  -- The suspension is over: one tries, the others hear what came of it.
  if under_way > 0 then return { 'wait' } end
elseif refusals > 0 or tonumber(state[1] or 0) + ARGV[5] < at then
  if under_way + refusals >= tonumber(ARGV[4]) then return { 'wait' } end
end
redis.call('ZADD', KEYS[2], at + ARGV[3], (known and 'k' or 'n') .. ARGV[1])
redis.call('PEXPIRE', KEYS[2], 3600000)
return { 'go' }
