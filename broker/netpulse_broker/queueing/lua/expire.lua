-- Ends queued jobs whose ttl has run out, whether or not anybody serves their queue; queues webhooks that are due.
-- ARGV  1 now (ms)  2 now (ISO)  3 at most so many
-- ->    ids that were ended
local ended = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'np:expiry', '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local job = redis.call('HMGET', 'rq:job:' .. id, 'status', 'origin')
  if job[1] == 'queued' then
    redis.call('LREM', 'rq:queue:' .. job[2], 0, id)
    end_job(id, 'failed', 'failed', 'job_expired', ARGV[2], '', {})
    ended[#ended + 1] = id
  else
    redis.call('ZREM', 'np:expiry', id)
  end
end
-- Attempts to deliver a webhook whose time has come.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'np:webhooks:due', '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  redis.call('ZREM', 'np:webhooks:due', id)
  local job = redis.call('HMGET', 'rq:job:' .. id, 'status', 'ttl')
  if job[1] == 'scheduled' then
    redis.call('HSET', 'rq:job:' .. id, 'status', 'queued', 'enqueued_at', ARGV[2])
    queue_fifo(id, tonumber(job[2]) or 3600)
  end
end
return ended
