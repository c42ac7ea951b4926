-- Shared by all scripts. Ends a job: status, result and reply in one step. Called only for jobs that are not final.
local RESULT_TYPE = { finished = '1', failed = '2', stopped = '3', canceled = '3' }

local function end_job(id, status, outcome, err, ended, sealed, extra)
  local job = 'rq:job:' .. id
  local had = redis.call('HMGET', job, 'result_ttl', 'reply_to', 'worker_name', 'started_at', 'node')
  local ttl = tonumber(had[1]) or 3600
  redis.call('HSET', job, 'status', status, 'outcome', outcome, 'ended_at', ended, 'error', err)
  redis.call('EXPIRE', job, ttl)
  local result = { 'type', RESULT_TYPE[status], 'worker_name', had[3] or '', 'sealed', sealed }
  for i = 1, #extra do result[#result + 1] = extra[i] end
  redis.call('XADD', 'rq:results:' .. id, 'MAXLEN', '10', '*', unpack(result))
  redis.call('EXPIRE', 'rq:results:' .. id, ttl)
  redis.call('ZREM', 'np:expiry', id)
  if had[2] and had[2] ~= '' then
    local stream = 'np:replies:' .. had[2]
    redis.call('XADD', stream, 'MAXLEN', '~', '20000', '*', 'id', id, 'status', status, 'outcome', outcome, 'error', err,
      'ended_at', ended, 'started_at', had[4] or '', 'worker_name', had[3] or '', 'node', had[5] or '', 'sealed', sealed)
    redis.call('EXPIRE', stream, 3600)
  end
end

local function wake(key)
  if redis.call('LLEN', key) == 0 then redis.call('RPUSH', key, '1') end
end

-- A worker as RQ registers it: in the set of all workers and in one set per queue.
local function forget_worker(key)
  for queue in string.gmatch(redis.call('HGET', key, 'queues') or '', '[^,]+') do
    redis.call('SREM', 'rq:workers:' .. queue, key)
  end
  redis.call('DEL', key)
  redis.call('SREM', 'rq:workers', key)
end
