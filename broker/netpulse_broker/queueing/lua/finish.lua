-- KEYS  1 job  2 claim list  3 device ('' for fifo)  4 worker hash  5... lanes
-- ARGV  1 job id  2 token  3 status  4 outcome  5 error code or ''  6 ended (ISO)  7 sealed result
--       8 busy seconds  9... further fields of RQ's result
-- ->    'done' (and nothing waits) | 'more' (done, and work waits) | 'repeated' | 'stale'
local job = redis.call('HMGET', KEYS[1], 'status', 'claim')
if job[2] ~= ARGV[2] then return 'stale' end
if job[1] ~= 'started' then
  if job[1] == 'queued' then return 'stale' end
  return 'repeated'
end
redis.call('LREM', KEYS[2], 0, ARGV[1])
local extra = {}
for i = 9, #ARGV do extra[#extra + 1] = ARGV[i] end
end_job(ARGV[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], extra)
if KEYS[3] ~= '' and redis.call('HGET', KEYS[3], 'token') == ARGV[2] then
  if redis.call('HGET', KEYS[3], 'state') == 'busy' then redis.call('HSET', KEYS[3], 'state', 'idle', 'job', '', 'since', ARGV[6]) end
end
redis.call('HSET', KEYS[4], 'state', 'idle', 'current_job', '', 'last_heartbeat', ARGV[6])
redis.call('HINCRBY', KEYS[4], ARGV[3] == 'finished' and 'successful_job_count' or 'failed_job_count', 1)
redis.call('HINCRBYFLOAT', KEYS[4], 'total_working_time', ARGV[8])
local of = redis.call('HMGET', KEYS[1], 'driver', 'operation')
observe('duration|' .. (of[1] or '') .. '|' .. (of[2] or ''), tonumber(ARGV[8]))
for lane = 5, #KEYS do
  if redis.call('LLEN', KEYS[lane]) > 0 then return 'more' end
end
return 'done'
