-- The interactive session is over; its answers stay for a while, for callers who have to ask again.
-- KEYS  1 session  2 inbox  3 answers  4 requests
-- ARGV  1 session id  2 reason  3 seconds that the answers stay
-- ->    'ended' | 'repeated' | 'missing'
local state = redis.call('HGET', KEYS[1], 'state')
redis.call('ZREM', 'np:sessions', ARGV[1])
if not state then return 'missing' end
if state == 'ended' then return 'repeated' end
redis.call('HSET', KEYS[1], 'state', 'ended', 'reason', ARGV[2])
tell('session', ARGV[1], 'ended', 'device', redis.call('HGET', KEYS[1], 'device') or '', 'reason', ARGV[2])
local fields = redis.call('HKEYS', KEYS[1])
for i = 1, #fields do
  if string.sub(fields[i], 1, 6) == 'reply:' then
    reply(redis.call('HGET', KEYS[1], fields[i]), 'id', ARGV[1] .. '/' .. string.sub(fields[i], 7), 'sealed', '')
    redis.call('HDEL', KEYS[1], fields[i])
  end
end
redis.call('DEL', KEYS[2], KEYS[4])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[3], ARGV[3])
return 'ended'
