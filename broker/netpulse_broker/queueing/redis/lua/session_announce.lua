-- An interactive session is asked for; its job follows. May be sent twice.
-- KEYS  1 session
-- ARGV  1 session id  2 seconds that everything of it may be kept  3... further fields
if redis.call('EXISTS', KEYS[1]) == 1 then return 'announced' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'state', 'queued', 'created', now, 'heard', now, 'last', 0, 'closing', '', unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', 'np:sessions', now, ARGV[1])
tell('session', ARGV[1], 'queued', 'device', redis.call('HGET', KEYS[1], 'device') or '')
return 'announced'
