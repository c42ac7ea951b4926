-- A caller's exchange: accepted once, in order; a repeated one gets the stored answer.
-- KEYS  1 session  2 inbox  3 answers  4 requests  5 job
-- ARGV  1 seq  2 sealed request  3 controller that waits for the answer
-- ->    {'accepted'} | {'pending'} | {'answered', sealed} | {'forgotten'} | {'gap', last} | {'queued'} | {'ended', reason}
--       | {'lost', error code} | {'missing'}
local session = redis.call('HMGET', KEYS[1], 'state', 'last', 'closing', 'reason')
if not session[1] then return { 'missing' } end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'heard', time[1] * 1000 + math.floor(time[2] / 1000))
local answer = redis.call('HGET', KEYS[3], ARGV[1])
if answer then return { 'answered', answer } end
if session[1] == 'ended' then return { 'ended', session[4] or '' } end
local job = redis.call('HMGET', KEYS[5], 'status', 'error')
if job[1] ~= 'queued' and job[1] ~= 'started' then return { 'lost', job[2] or '' } end
if session[1] ~= 'open' then return { 'queued' } end
local seq, last = tonumber(ARGV[1]), tonumber(session[2])
if seq <= last then
  if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 0 then return { 'forgotten' } end
  redis.call('HSET', KEYS[1], 'reply:' .. ARGV[1], ARGV[3])
  return { 'pending' }
end
if session[3] and session[3] ~= '' then return { 'ended', session[3] } end
if seq ~= last + 1 then return { 'gap', last } end
redis.call('HSET', KEYS[1], 'last', seq, 'reply:' .. ARGV[1], ARGV[3])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
redis.call('RPUSH', KEYS[2], ARGV[1] .. ' ' .. ARGV[2])
local left = redis.call('PTTL', KEYS[1])
redis.call('PEXPIRE', KEYS[2], left)
redis.call('PEXPIRE', KEYS[4], left)
return { 'accepted' }
