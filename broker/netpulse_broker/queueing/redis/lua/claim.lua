-- KEYS  1 device ('' for fifo)  2 lease  3 claim list  4 worker hash  5... lanes, most urgent first (a device's first
--       one is for operators and is served while the queue is paused)
-- ARGV  1 token  2 lease value  3 worker name  4 node
-- ->    {'job', id, queue, operation, seq, device, host, owner, sealed, now (us), driver, queued (ms)} | {'empty'} | {'no-lease'} | {'fenced'}
local lease = redis.call('GET', KEYS[2])
if not lease then return { 'no-lease' } end
if lease ~= ARGV[2] then return { 'fenced' } end
local lanes = #KEYS
local now_ms, now_iso, now_us = now()
if KEYS[1] ~= '' then
  local owner = redis.call('HMGET', KEYS[1], 'token', 'state')
  if owner[1] ~= ARGV[1] then return { 'fenced' } end
  if redis.call('HEXISTS', 'np:paused', string.sub(KEYS[1], 11)) == 1 then
    lanes = 5
    if owner[2] == 'idle' then redis.call('HSET', KEYS[1], 'state', 'paused', 'since', now_iso) end
  end
end
-- What is claimed already and still marked as started by us is a job whose claim answer was lost on its way: a worker
-- asks for work only when it executes nothing and its last finish is confirmed.
for _, id in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do
  local job = redis.call('HMGET', 'rq:job:' .. id, 'status', 'claim', 'origin', 'operation', 'seq', 'device',
    'host', 'owner', 'data', 'driver', 'queued_ms')
  if job[1] == 'started' and job[2] == ARGV[1] then
    return { 'job', id, job[3] or '', job[4] or '', job[5] or '0', job[6] or '', job[7] or '', job[8] or '', job[9] or '', now_us, job[10] or '',
      job[11] or '' }
  end
  redis.call('LREM', KEYS[3], 0, id)
end
local waiting = { unpack(KEYS, 5, lanes) }
waiting[#waiting + 1] = 'LEFT'
while true do
  local taken = redis.call('LMPOP', lanes - 4, unpack(waiting))
  if not taken then break end
  local id = taken[2][1]
  local key = 'rq:job:' .. id
  local job = redis.call('HMGET', key, 'status', 'expires', 'device', 'driver', 'operation', 'due', 'queued_ms',
    'origin', 'seq', 'data', 'host', 'owner')
  if job[1] == 'queued' then
    local due = tonumber(job[6] or redis.call('ZSCORE', 'np:expiry', id) or 'inf')
    local left = math.max(math.ceil((tonumber(job[2]) or 0) - now_ms / 1000), 60)
    if due < now_ms then
      end_job(id, 'failed', 'failed', 'job_expired', now_iso, '', {})
    elseif not redis.call('SET', 'np:executed:' .. id, '1', 'EX', left, 'NX') then
      end_job(id, 'failed', 'failed', 'job_unreadable', now_iso, '', {})
    else
      redis.call('RPUSH', KEYS[3], id)
      redis.call('HSET', key, 'status', 'started', 'started_at', now_iso, 'started_ms', now_ms, 'worker_name', ARGV[3],
        'claim', ARGV[1], 'node', ARGV[4])
      redis.call('ZREM', 'np:expiry', id)
      tell('job', id, 'started', 'device', job[3] or '', 'driver', job[4] or '', 'operation', job[5] or '',
        'worker', ARGV[3], 'node', ARGV[4])
      if KEYS[1] ~= '' then redis.call('HSET', KEYS[1], 'state', 'busy', 'job', id, 'since', now_iso) end
      redis.call('HSET', KEYS[4], 'state', 'busy', 'current_job', id, 'last_heartbeat', now_iso)
      return { 'job', id, job[8] or '', job[5] or '', job[9] or '0', job[3] or '', job[11] or '', job[12] or '', job[10] or '', now_us, job[4] or '',
        job[7] or '' }
    end
  end
end
return { 'empty' }
