-- What came of showing a credential to a device. See queueing.logins.ledger for the rules.
-- KEYS  1 state  2 tries  3 refused  4 doubted  5 accepted  6 places  7 np:suspended
-- ARGV  1 try  2 device  3 'accepted' | 'refused' | 'neither'  4 first and 5 longest suspension (ms)  6 devices whose refusals
--       suspend it elsewhere too  7 digest  8 ms for which a refusal counts
-- ->    1
local KEEP, KEEP_PROOF, MOST = 2 * 86400000, 7 * 86400000, 20000
local at = now()
redis.call('ZREM', KEYS[2], 'k' .. ARGV[1], 'n' .. ARGV[1])
if ARGV[3] == 'accepted' then
  redis.call('DEL', KEYS[3], KEYS[4])
  redis.call('HDEL', KEYS[1], 'all', 'all_times', 'new', 'new_times')
  redis.call('HSET', KEYS[1], 'proven', at)
  redis.call('PEXPIRE', KEYS[1], KEEP_PROOF)
  redis.call('ZADD', KEYS[5], at, ARGV[2])
  redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -MOST - 1)
  redis.call('PEXPIRE', KEYS[5], KEEP_PROOF)
  if redis.call('HDEL', KEYS[6], ARGV[2]) == 1 and redis.call('EXISTS', KEYS[6]) == 0 then
    redis.call('ZREM', KEYS[7], ARGV[7])
  end
end
if ARGV[3] ~= 'refused' then return 1 end
local function till(times)
  return at + math.min(ARGV[4] * 2 ^ math.min(times - 1, 40), tonumber(ARGV[5]))
end
local before = redis.call('HGET', KEYS[6], ARGV[2]) or '0 0 '
local _, times, try = string.match(before, '^(%d+) (%d+) (.*)$')
if try == ARGV[1] then return 1 end  -- told before
times = tonumber(times) + 1
local last = till(times)
redis.call('HSET', KEYS[6], ARGV[2], string.format('%d %d %s', last, times, ARGV[1]))
redis.call('PEXPIRE', KEYS[6], KEEP)
count('login_suspensions|device')
-- A device that took it before and refuses it now is no witness for it any more.
local known = redis.call('ZREM', KEYS[5], ARGV[2]) == 1
local refusing, what = KEYS[3], 'new'
if known then refusing, what = KEYS[4], 'all' end
redis.call('HDEL', KEYS[1], 'proven')
redis.call('ZREMRANGEBYSCORE', refusing, '-inf', at - ARGV[8])
redis.call('ZADD', refusing, at, ARGV[2])
redis.call('PEXPIRE', refusing, KEEP)
local state = redis.call('HMGET', KEYS[1], what, what .. '_times')
local open = tonumber(state[1] or 0)
if open <= at and (open > 0 or redis.call('ZCARD', refusing) >= tonumber(ARGV[6])) then
  local again = tonumber(state[2] or 0) + 1
  local ends = till(again)
  redis.call('HSET', KEYS[1], what, string.format('%d', ends), what .. '_times', again)
  redis.call('PEXPIRE', KEYS[1], KEEP_PROOF)
  last = math.max(last, ends)
  count('login_suspensions|' .. what)
  tell('login', ARGV[7], 'suspended', 'device', ARGV[2], 'reason', what)
end
redis.call('ZADD', KEYS[7], 'GT', last, ARGV[7])
redis.call('PEXPIRE', KEYS[7], KEEP)
return 1
