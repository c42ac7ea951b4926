-- KEYS  1 job  2 lane  3 sequence  4 np:jobs:<device>  5 wake-up list  6 device  7 idempotency key or ''
-- ARGV  1 job id  2 queue name  3 now (ms)  4 end of the ttl (ms)  5 'device' or 'fifo'  6 body digest
--       7 idempotency ttl (s)  8... job hash: field, value, ...
-- ->    {'queued', seq, enqueued_at} | {'repeated', job id} | {'conflict', job id} | {'unplaced'}
if KEYS[7] ~= '' then
  local before = redis.call('GET', KEYS[7])
  if before then
    local sep = string.find(before, ' ', 1, true)
    local id, digest = string.sub(before, 1, sep - 1), string.sub(before, sep + 1)
    if digest ~= ARGV[6] then return { 'conflict', id } end
    if redis.call('EXISTS', 'rq:job:' .. id) == 1 then return { 'repeated', id } end
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return { 'repeated', ARGV[1] } end
if ARGV[5] == 'device' and redis.call('HEXISTS', KEYS[6], 'token') == 0 then return { 'unplaced' } end
local seq = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[1], 'seq', seq, 'status', 'queued', unpack(ARGV, 8))
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('SADD', 'rq:queues', 'rq:queue:' .. ARGV[2])
redis.call('ZADD', 'np:jobs', ARGV[3], ARGV[1])
redis.call('ZADD', KEYS[4], ARGV[3], ARGV[1])
if seq % 100 == 1 then  -- often enough: it keeps the listing of one device at about a thousand jobs of the last week
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1001)
  redis.call('EXPIRE', KEYS[4], 604800)
end
redis.call('ZADD', 'np:expiry', ARGV[4], ARGV[1])
if KEYS[7] ~= '' then redis.call('SET', KEYS[7], ARGV[1] .. ' ' .. ARGV[6], 'EX', ARGV[7]) end
local of = redis.call('HMGET', KEYS[1], 'device', 'driver', 'operation')
tell('job', ARGV[1], 'queued', 'device', of[1], 'driver', of[2], 'operation', of[3])
if ARGV[5] == 'device' then wake(KEYS[5]) else redis.call('RPUSH', KEYS[5], '1') end
return { 'queued', seq }
