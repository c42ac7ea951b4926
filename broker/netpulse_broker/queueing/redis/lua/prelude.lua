-- Shared by all scripts. Ends a job: status, result and reply in one step. Called only for jobs that are not final.
local RESULT_TYPE = { finished = '1', failed = '2', stopped = '3', canceled = '3' }

-- Redis' own time: milliseconds, as RQ writes it, and microseconds. Machines agree on deadlines by it, whatever their clocks say.
local function now()
  local clock = redis.call('TIME')
  local seconds, micro = tonumber(clock[1]), tonumber(clock[2])
  -- The civil date of a day: years begin in March, so that the leap day is the last one; 400 years have 146097 days.
  local days = math.floor(seconds / 86400) + 719468
  local era = math.floor(days / 146097)
  local day = days - era * 146097
  local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
  day = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * day + 2) / 153)
  local date = day - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  year = year + era * 400 + (month <= 2 and 1 or 0)
  local of_day = seconds % 86400
  local iso = string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, date, math.floor(of_day / 3600),
    math.floor(of_day / 60) % 60, of_day % 60, micro)
  return seconds * 1000 + math.floor(micro / 1000), iso, seconds * 1000000 + micro
end

-- What happens is told in a capped stream: kinds, ids and states, never contents. See queueing.observe.events.
local function tell(kind, id, state, ...)
  redis.call('XADD', 'np:events', 'MAXLEN', '~', '10000', '*', 'kind', kind, 'id', id, 'state', state, ...)
end

-- Totals of all controllers and workers together. See queueing.observe.metrics.
local function count(what, by)
  redis.call('HINCRBY', 'np:totals', what, by or 1)
end

local BOUNDS = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300 }
local function observe(what, seconds)
  local bound = 'inf'
  for i = 1, #BOUNDS do
    if seconds <= BOUNDS[i] then bound = tostring(BOUNDS[i]) break end
  end
  redis.call('HINCRBY', 'np:totals', what .. '|' .. bound, 1)
  redis.call('HINCRBY', 'np:totals', what .. '|sum', math.floor(seconds * 1000000))
end

-- What a worker has added up: a line each, name, blank, what is to be added. See queueing.redis.totals.
local function add_totals(lines)
  for name, by in string.gmatch(lines, '(%S+) (%d+)') do count(name, by) end
end

-- What was read from the device before now must not answer a query any more. The count outlives what refers to it.
local function outdate(device)
  redis.call('INCR', 'np:generation:' .. device)
  redis.call('EXPIRE', 'np:generation:' .. device, 172800)
end

-- A device has one token at most.
local function wake(key)
  if redis.call('RPUSH', key, '1') > 1 then redis.call('RPOP', key) end
end

local function queue_fifo(id, ttl)
  local clock = redis.call('TIME')
  redis.call('RPUSH', 'rq:queue:fifo', id)
  redis.call('SADD', 'rq:queues', 'rq:queue:fifo')
  redis.call('ZADD', 'np:expiry', tonumber(clock[1]) * 1000 + ttl * 1000, id)
  redis.call('RPUSH', 'np:wake:fifo', '1')
end

-- The job that has ended wanted a call: queue the delivery that it carries. Its result must outlive the first attempt.
local WEBHOOK_KEEP = 86400
local KEEP_DEAD = 604800  -- seconds; of deliveries that an older broker queued, which do not say it
local function call_webhook(job, id, ended)
  local hook = redis.call('HMGET', job, 'webhook_timeout', 'webhook_target', 'webhook', 'webhook_expires', 'webhook_id',
    'webhook_ttl', 'owner', 'webhook_keep')
  if not hook[5] then return false end
  local attempt = hook[5] .. '.1'
  if redis.call('EXISTS', 'rq:job:' .. attempt) == 0 then
    redis.call('HSET', 'rq:job:' .. attempt, 'data', hook[3], 'expires', hook[4], 'timeout', hook[1], 'ttl', hook[6],
      'result_ttl', 3600, 'device', hook[2], 'host', hook[2], 'driver', 'webhook', 'operation', 'webhook', 'origin', 'fifo',
      'description', '', 'priority', 'normal', 'idempotent', '1', 'reply_to', '', 'seq', 0, 'status', 'queued',
      'created_at', ended, 'enqueued_at', ended, 'owner', hook[7] or '', 'delivery', hook[5], 'delivery_job', id,
      'delivery_attempt', 1, 'delivery_keep', hook[8] or KEEP_DEAD)
    queue_fifo(attempt, tonumber(hook[6]))
  end
  redis.call('HDEL', job, 'webhook')
  return true
end

-- A delivery that ended otherwise than by an attempt (expired in the queue, canceled, not to be opened) is a dead letter.
local function bury_webhook(job, id, err, ended)
  local had = redis.call('HMGET', job, 'delivery', 'delivery_job', 'delivery_attempt', 'device', 'data', 'delivery_keep')
  local clock = redis.call('TIME')
  redis.call('HSET', 'np:webhook:' .. had[1], 'job', had[2], 'target', had[4], 'attempts', tonumber(had[3]) - 1,
    'error', 'no attempt was made: ' .. err, 'failed_at', ended, 'sealed_as', id, 'sealed', had[5])
  redis.call('EXPIRE', 'np:webhook:' .. had[1], had[6] or KEEP_DEAD)
  redis.call('ZADD', 'np:webhooks:dead', tonumber(clock[1]) * 1000, had[1])
end

-- What the scripts need to know of a job, in one read.
local FIELDS = { 'status', 'claim', 'device', 'driver', 'operation', 'worker_name', 'node', 'started_at', 'reply_to',
  'result_ttl', 'webhook_id' }
local function known(id)
  local values = redis.call('HMGET', 'rq:job:' .. id, unpack(FIELDS))
  local job = {}
  for i = 1, #FIELDS do job[FIELDS[i]] = values[i] or '' end
  return job
end

-- After these, what was read from the device before counts no more.
local CHANGING = { change = true, lease = true, rollback = true, check = true }

-- Bytes of a sealed result that its reply carries.
local REPLY_CARRIES = 16384

-- Tell a controller. Its stream is made, kept and trimmed by its reader (queueing.jobs.replies): one that has gone leaves a
-- stream that expires, and nothing makes it anew.
local function reply(controller, ...)
  redis.call('XADD', 'np:replies:' .. controller, 'NOMKSTREAM', 'MAXLEN', '~', '20000', '*', ...)
end

-- had: the job as known(), if that has been read already; its worker counts it then, see queueing.redis.totals.
local function end_job(id, status, outcome, err, ended, sealed, extra, had)
  local key = 'rq:job:' .. id
  local counted = had ~= nil
  had = had or known(id)
  local ttl = tonumber(had.result_ttl) or 3600
  if had.operation == 'webhook' then
    if status ~= 'finished' and err ~= 'webhook_failed' then bury_webhook(key, id, err, ended) end
  elseif had.webhook_id ~= '' and call_webhook(key, id, ended) then
    ttl = math.max(ttl, WEBHOOK_KEEP)
  end
  redis.call('HSET', key, 'status', status, 'outcome', outcome, 'ended_at', ended, 'error', err)
  redis.call('EXPIRE', key, ttl)
  redis.call('XADD', 'rq:results:' .. id, 'MAXLEN', '10', '*', 'type', RESULT_TYPE[status], 'worker_name', had.worker_name,
    'sealed', sealed, unpack(extra))
  redis.call('EXPIRE', 'rq:results:' .. id, ttl)
  if had.status ~= 'started' then redis.call('ZREM', 'np:expiry', id) end  -- the claim has taken it off
  if not counted then
    count('jobs|' .. had.driver .. '|' .. had.operation .. '|' .. status .. '|' .. outcome)
    if err ~= '' then count('errors|' .. err) end
  end
  if CHANGING[had.operation] then outdate(had.device) end
  tell('job', id, status, 'outcome', outcome, 'error', err, 'device', had.device, 'driver', had.driver, 'operation',
    had.operation)
  if had.reply_to ~= '' then
    -- A large result is read from where it is kept, by who waits for it: each reply would hold it once more.
    local carries = #sealed <= REPLY_CARRIES
    reply(had.reply_to, 'id', id, 'status', status, 'outcome', outcome, 'error', err, 'ended_at', ended,
      'started_at', had.started_at, 'worker_name', had.worker_name, 'node', had.node, 'sealed', carries and sealed or '',
      'look', carries and '' or '1')
  end
end

local function tell_worker_end(key, state, device)
  if redis.call('EXISTS', key) == 1 then tell('worker', string.sub(key, 11), state, 'device', device) end
end

-- A worker as RQ registers it: in the set of all workers and in one set per queue.
local function forget_worker(key)
  for queue in string.gmatch(redis.call('HGET', key, 'queues') or '', '[^,]+') do
    redis.call('SREM', 'rq:workers:' .. queue, key)
  end
  redis.call('DEL', key)
  redis.call('SREM', 'rq:workers', key)
end
