-- KEYS  1 job  2 lane  3 sequence  4 np:jobs:<device>  5 wake-up list  6 device  7 idempotency key or ''
--       8 what this query is known by when it may share another one's answer, or ''
--       9 np:hosts:<host>, or '' when the host is the device's name
-- ARGV  1 job id  2 queue name  3 ttl (ms)  4 'device' or 'fifo'  5 body digest  6 idempotency ttl (s)
--       7 oldest answer that is good enough (ms)  8 device  9 driver  10 operation  11 sealed arguments
--       12 '1': write down that the queue and the host exist; who submits does so now and then, not each time
--       13... job hash: field, value, ...
-- ->    {'queued', seq, enqueued_at} | {'repeated', job id} | {'conflict', job id} | {'unplaced'}
local INDEX_KEEP = 32 * 86400  -- seconds; a job and its result are kept for 30 days at most
if KEYS[7] ~= '' then
  local before = redis.call('GET', KEYS[7])
  if before then
    local sep = string.find(before, ' ', 1, true)
    local id, digest = string.sub(before, 1, sep - 1), string.sub(before, sep + 1)
    if digest ~= ARGV[5] then return { 'conflict', id } end
    return { 'repeated', id }  -- also when it is no longer kept: it was done
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return { 'repeated', ARGV[1] } end
local now_ms = now()
local due = now_ms + tonumber(ARGV[3])
local generation = 'np:generation:' .. string.sub(KEYS[3], 8)
if KEYS[8] ~= '' then
  local kept = redis.call('HMGET', KEYS[8], 'job', 'generation')
  local busy = redis.call('HGET', KEYS[6], 'job') or ''
  local doing = busy ~= '' and redis.call('HGET', 'rq:job:' .. busy, 'operation') or ''
  -- While somebody writes to the device, nothing read before or beside it counts.
  if kept[1] and kept[2] == (redis.call('GET', generation) or '0') and doing ~= 'change' and doing ~= 'lease' and doing ~= 'rollback' then
    local job = redis.call('HMGET', 'rq:job:' .. kept[1], 'status', 'origin', 'started_ms')
    if job[1] == 'started' or (job[1] == 'queued' and job[2] == ARGV[2]) then
      count('cache|joined')
      return { 'shared', kept[1] }
    elseif job[1] == 'finished' and now_ms - tonumber(job[3] or 0) <= tonumber(ARGV[7]) then
      count('cache|kept')
      return { 'shared', kept[1] }
    end
  end
end
if ARGV[4] == 'device' and redis.call('HEXISTS', KEYS[6], 'token') == 0 then return { 'unplaced' } end
local seq = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[1], 'seq', seq, 'status', 'queued', 'queued_ms', now_ms, 'due', due, 'device', ARGV[8],
  'driver', ARGV[9], 'operation', ARGV[10], 'data', ARGV[11], unpack(ARGV, 13))
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('ZADD', 'np:jobs', now_ms, ARGV[1])
redis.call('ZADD', KEYS[4], now_ms, ARGV[1])
if ARGV[12] == '1' or seq == 1 then
  redis.call('SADD', 'rq:queues', 'rq:queue:' .. ARGV[2])
  redis.call('EXPIRE', KEYS[4], INDEX_KEEP)
  if KEYS[9] ~= '' then
    redis.call('ZADD', KEYS[9], now_ms, ARGV[8])
    redis.call('EXPIRE', KEYS[9], INDEX_KEEP)
  end
end
if seq % 100 == 1 then  -- often enough: the device's index holds little more than the jobs that are kept
  for _, id in ipairs(redis.call('ZRANGE', KEYS[4], 0, 199)) do
    if redis.call('EXISTS', 'rq:job:' .. id) == 0 then redis.call('ZREM', KEYS[4], id) end
  end
end
redis.call('ZADD', 'np:expiry', due, ARGV[1])
if KEYS[7] ~= '' then redis.call('SET', KEYS[7], ARGV[1] .. ' ' .. ARGV[5], 'EX', ARGV[6]) end
tell('job', ARGV[1], 'queued', 'device', ARGV[8], 'driver', ARGV[9], 'operation', ARGV[10])
if ARGV[10] == 'change' or ARGV[10] == 'lease' or ARGV[10] == 'rollback' then outdate(ARGV[8]) end
if KEYS[8] ~= '' then
  count('cache|missed')
  redis.call('HSET', KEYS[8], 'job', ARGV[1], 'generation', redis.call('GET', generation) or '0')
  redis.call('EXPIRE', KEYS[8], 86400)
end
if ARGV[4] == 'device' then
  wake(KEYS[5])
else
  redis.call('RPUSH', KEYS[5], '1')
end
return { 'queued', seq }
