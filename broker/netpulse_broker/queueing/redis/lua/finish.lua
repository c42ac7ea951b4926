-- KEYS  1 job  2 claim list  3 device ('' for fifo)  4 worker hash  5... lanes
-- ARGV  1 job id  2 token  3 status  4 outcome  5 error code or ''  6 ended (ISO)  7 sealed result
--       8... of the worker, RQ's names: jobs that ended well, jobs that failed, busy seconds in total;
--       11 totals that the worker has added up, or ''  12... further fields of RQ's result
-- ->    'done' (and nothing waits) | 'more' (done, and work waits) | 'repeated' | 'stale'
local job = known(ARGV[1])
if job.claim ~= ARGV[2] then return 'stale' end
if job.status ~= 'started' then
  if job.status == 'queued' then return 'stale' end
  return 'repeated'
end
redis.call('LREM', KEYS[2], 0, ARGV[1])
end_job(ARGV[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], { unpack(ARGV, 12) }, job)
add_totals(ARGV[11])
if KEYS[3] ~= '' then
  local owner = redis.call('HMGET', KEYS[3], 'token', 'state')
  if owner[1] == ARGV[2] and owner[2] == 'busy' then
    redis.call('HSET', KEYS[3], 'state', 'idle', 'job', '', 'since', ARGV[6])
  end
end
redis.call('HSET', KEYS[4], 'state', 'idle', 'current_job', '', 'last_heartbeat', ARGV[6], 'successful_job_count', ARGV[8],
  'failed_job_count', ARGV[9], 'total_working_time', ARGV[10])
if redis.call('EXISTS', unpack(KEYS, 5)) > 0 then return 'more' end
return 'done'
