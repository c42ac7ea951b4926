-- A worker has died, or its node has: end what it ran, give the queue free. A job that was flagged idempotent runs
-- again, but one that has cost MOST_LOSSES workers is taken for their cause and ends as lost.
-- KEYS  1 device ('' for fifo)  2 claim list  3 node's devices  4 worker hash or ''  5 lease that must be
--       absent or ''  6... lanes, most urgent first
-- ARGV  1 dead token  2 device name (fifo: worker name)  3 node
-- ->    {'recovered', pending, number lost, lost ids..., requeued ids...} | {'other'} | {'alive'}
if KEYS[5] ~= '' and redis.call('EXISTS', KEYS[5]) == 1 then return { 'alive' } end
if KEYS[1] ~= '' then
  local owner = redis.call('HMGET', KEYS[1], 'token', 'node')
  if (owner[1] or '') ~= ARGV[1] then
    if owner[2] ~= ARGV[3] then redis.call('SREM', KEYS[3], ARGV[2]) end
    return { 'other' }
  end
end
local MOST_LOSSES = 3
local now_ms, now_iso = now()
local lost, requeued = {}, {}
local ids = redis.call('LRANGE', KEYS[2], 0, -1)
for i = #ids, 1, -1 do
  local id = ids[i]
  local key = 'rq:job:' .. id
  local job = redis.call('HMGET', key, 'status', 'idempotent', 'origin', 'ttl')
  local again = job[1] == 'started' and job[2] == '1' and redis.call('HINCRBY', key, 'losses', 1) < MOST_LOSSES
  if job[1] == 'started' and not again then
    redis.call('HSET', key, 'claim', '')
    end_job(id, 'failed', 'unknown', 'worker_lost', now_iso, '', {})
    lost[#lost + 1] = id
  elseif again then
    redis.call('DEL', 'np:executed:' .. id)
    local due = now_ms + (tonumber(job[4]) or 300) * 1000
    redis.call('HSET', key, 'status', 'queued', 'claim', '', 'started_at', '', 'worker_name', '', 'due', due)
    redis.call('ZADD', 'np:expiry', due, id)
    redis.call('LPUSH', 'rq:queue:' .. job[3], id)
    tell('job', id, 'queued', 'device', KEYS[1] ~= '' and ARGV[2] or '')
    requeued[#requeued + 1] = id
  end
end
redis.call('DEL', KEYS[2])
if KEYS[4] ~= '' then
  tell_worker_end(KEYS[4], 'lost', KEYS[1] ~= '' and ARGV[2] or '')
  forget_worker(KEYS[4])
end
redis.call('SREM', KEYS[3], ARGV[2])
local pending = 0
for lane = 6, #KEYS do pending = pending + redis.call('LLEN', KEYS[lane]) end
if KEYS[1] ~= '' then
  redis.call('DEL', KEYS[1])
  if pending > 0 then
    redis.call('SADD', 'np:unplaced', ARGV[2])
    wake('np:wake:device:' .. ARGV[2])
  end
elseif #requeued > 0 then
  for _ = 1, #requeued do redis.call('RPUSH', 'np:wake:fifo', '1') end
end
local answer = { 'recovered', pending, #lost }
for i = 1, #lost do answer[#answer + 1] = lost[i] end
for i = 1, #requeued do answer[#answer + 1] = requeued[i] end
return answer
