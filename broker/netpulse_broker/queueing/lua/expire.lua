-- Ends queued jobs whose ttl has run out, whether or not anybody serves their queue.
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
return ended
