-- KEYS  1 job
-- ARGV  1 job id  2 now (ISO)
-- ->    {'canceled'} | {'missing'} | {status, device, queue, node, worker}
local job = redis.call('HMGET', KEYS[1], 'status', 'origin', 'device', 'node', 'worker_name')
if not job[1] then return { 'missing' } end
if job[1] ~= 'queued' then return { job[1], job[3] or '', job[2] or '', job[4] or '', job[5] or '' } end
redis.call('LREM', 'rq:queue:' .. job[2], 0, ARGV[1])
end_job(ARGV[1], 'canceled', 'failed', 'job_canceled', ARGV[2], '', {})
return { 'canceled' }
