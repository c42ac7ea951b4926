-- A sign of life from the caller; with a reason: the caller gives the interactive session back.
-- KEYS  1 session  2 inbox  3 job
-- ARGV  1 reason for closing or ''
-- ->    {state, closing, reason, job status, job error, milliseconds since the grant or -1} | {'missing'}
local session = redis.call('HMGET', KEYS[1], 'state', 'closing', 'reason', 'granted')
if not session[1] then return { 'missing' } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if session[1] ~= 'ended' then
  redis.call('HSET', KEYS[1], 'heard', now)
  if ARGV[1] ~= '' and (session[2] or '') == '' then
    redis.call('HSET', KEYS[1], 'closing', ARGV[1])
    redis.call('RPUSH', KEYS[2], 'close')
    redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
    session[2] = ARGV[1]
  end
end
local job = redis.call('HMGET', KEYS[3], 'status', 'error')
local held = session[4] and now - tonumber(session[4]) or -1
return { session[1], session[2] or '', session[3] or '', job[1] or '', job[2] or '', held }
