-- The session is open and verified: the interactive session begins, unless its caller has left meanwhile.
-- KEYS  1 session  2 answers
-- ARGV  1 session id  2 sealed grant  3 worker  4 node  5 seq of the exchange that came with the request, or 0
-- ->    'granted' | 'closing' | 'missing'
local session = redis.call('HMGET', KEYS[1], 'state', 'closing', 'reply:0')
if not session[1] then return 'missing' end
if session[2] and session[2] ~= '' then return 'closing' end
if session[1] == 'open' then return 'granted' end
if session[1] ~= 'queued' then return 'closing' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'state', 'open', 'granted', now, 'heard', now, 'worker', ARGV[3], 'node', ARGV[4], 'last', ARGV[5])
redis.call('HSET', KEYS[2], '0', ARGV[2])
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
redis.call('HDEL', KEYS[1], 'reply:0')
tell('session', ARGV[1], 'open', 'device', redis.call('HGET', KEYS[1], 'device') or '', 'worker', ARGV[3], 'node', ARGV[4])
if session[3] then reply(session[3], 'id', ARGV[1] .. '/0', 'sealed', ARGV[2]) end
return 'granted'
