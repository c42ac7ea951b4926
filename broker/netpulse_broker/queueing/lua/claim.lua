-- KEYS  1 device ('' for fifo)  2 lease  3 claim list  4 worker hash  5... lanes, most urgent first (a device's first
--       one is for operators and is served while the queue is paused)
-- ARGV  1 token  2 lease value  3 now (ISO)  4 now (ms)  5 worker name  6 node
-- ->    {'job', id, {field, value, ...}} | {'empty'} | {'no-lease'} | {'fenced'}
local lease = redis.call('GET', KEYS[2])
if not lease then return { 'no-lease' } end
if lease ~= ARGV[2] then return { 'fenced' } end
local lanes = #KEYS
if KEYS[1] ~= '' then
  local owner = redis.call('HMGET', KEYS[1], 'token', 'state')
  if owner[1] ~= ARGV[1] then return { 'fenced' } end
  if redis.call('HEXISTS', 'np:paused', string.sub(KEYS[1], 11)) == 1 then
    lanes = 5
    if owner[2] == 'idle' then redis.call('HSET', KEYS[1], 'state', 'paused', 'since', ARGV[3]) end
  end
end
-- What is claimed already and still marked as started by us is a job whose claim answer was lost on its way: a worker
-- asks for work only when it executes nothing and its last finish is confirmed.
for _, id in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do
  local job = redis.call('HMGET', 'rq:job:' .. id, 'status', 'claim')
  if job[1] == 'started' and job[2] == ARGV[1] then return { 'job', id, redis.call('HGETALL', 'rq:job:' .. id) } end
  redis.call('LREM', KEYS[3], 0, id)
end
for lane = 5, lanes do
  while true do
    local id = redis.call('LPOP', KEYS[lane])
    if not id then break end
    local key = 'rq:job:' .. id
    local job = redis.call('HMGET', key, 'status', 'expires', 'device', 'driver', 'operation')
    if job[1] == 'queued' then
      local due = redis.call('ZSCORE', 'np:expiry', id)
      if due and tonumber(due) < tonumber(ARGV[4]) then
        end_job(id, 'failed', 'failed', 'job_expired', ARGV[3], '', {})
      elseif redis.call('EXISTS', 'np:executed:' .. id) == 1 then
        end_job(id, 'failed', 'failed', 'job_unreadable', ARGV[3], '', {})
      else
        redis.call('RPUSH', KEYS[3], id)
        redis.call('HSET', key, 'status', 'started', 'started_at', ARGV[3], 'started_ms', ARGV[4], 'worker_name', ARGV[5], 'claim', ARGV[1],
          'node', ARGV[6])
        local left = math.ceil((tonumber(job[2]) or 0) - tonumber(ARGV[4]) / 1000)
        redis.call('SET', 'np:executed:' .. id, '1', 'EX', math.max(left, 60))
        redis.call('ZREM', 'np:expiry', id)
        local submitted = redis.call('ZSCORE', 'np:jobs', id)
        if submitted then observe('queue_time', math.max(tonumber(ARGV[4]) - tonumber(submitted), 0) / 1000) end
        tell('job', id, 'started', 'device', job[3] or '', 'driver', job[4] or '', 'operation', job[5] or '',
          'worker', ARGV[5], 'node', ARGV[6])
        if KEYS[1] ~= '' then redis.call('HSET', KEYS[1], 'state', 'busy', 'job', id, 'since', ARGV[3]) end
        redis.call('HSET', KEYS[4], 'state', 'busy', 'current_job', id, 'last_heartbeat', ARGV[3])
        return { 'job', id, redis.call('HGETALL', key) }
      end
    end
  end
end
return { 'empty' }
