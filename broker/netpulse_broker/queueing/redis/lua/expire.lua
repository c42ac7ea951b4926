-- Ends queued jobs whose ttl has run out, whether or not anybody serves their queue; queues webhooks and checks that are due.
-- ARGV  1 at most so many
-- ->    {now (ms), ids that were ended...}
local now_ms, now_iso = now()
local ended = { now_ms }
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'np:expiry', '-inf', now_ms, 'LIMIT', 0, ARGV[1])) do
  local job = redis.call('HMGET', 'rq:job:' .. id, 'status', 'origin')
  if job[1] == 'queued' then
    redis.call('LREM', 'rq:queue:' .. job[2], 0, id)
    end_job(id, 'failed', 'failed', 'job_expired', now_iso, '', {})
    ended[#ended + 1] = id
  else
    redis.call('ZREM', 'np:expiry', id)
  end
end
-- Attempts to deliver a webhook whose time has come.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'np:webhooks:due', '-inf', now_ms, 'LIMIT', 0, ARGV[1])) do
  redis.call('ZREM', 'np:webhooks:due', id)
  local job = redis.call('HMGET', 'rq:job:' .. id, 'status', 'ttl')
  if job[1] == 'scheduled' then
    redis.call('HSET', 'rq:job:' .. id, 'status', 'queued', 'enqueued_at', now_iso)
    queue_fifo(id, tonumber(job[2]) or 3600)
  end
end
-- Devices that are to be asked what became of a change with a timer. See queueing.jobs.commit_ledger.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'np:commits:due', '-inf', now_ms, 'LIMIT', 0, ARGV[1])) do
  redis.call('ZREM', 'np:commits:due', id)
  local key = 'rq:job:' .. id
  local job = redis.call('HMGET', key, 'status', 'ttl', 'device', 'origin', 'driver')
  if job[1] == 'scheduled' then
    local device = job[3]
    redis.call('HSET', key, 'status', 'queued', 'enqueued_at', now_iso, 'seq', redis.call('INCR', 'np:seq:' .. device))
    redis.call('RPUSH', 'rq:queue:' .. job[4], id)
    redis.call('SADD', 'rq:queues', 'rq:queue:' .. job[4])
    redis.call('ZADD', 'np:jobs', now_ms, id)
    redis.call('ZADD', 'np:jobs:' .. device, now_ms, id)
    redis.call('ZADD', 'np:expiry', now_ms + (tonumber(job[2]) or 3600) * 1000, id)
    tell('job', id, 'queued', 'device', device, 'driver', job[5], 'operation', 'check')
    if redis.call('HEXISTS', 'np:device:' .. device, 'token') == 1 then
      wake('np:wake:device:' .. device)
    else
      redis.call('SADD', 'np:unplaced', device)
    end
  end
end
return ended
