-- The node has started a worker for a device: from now on that worker's token counts.
-- KEYS  1 device ('' for fifo)  2 lease  3 node's devices  4 worker hash (rq:worker:<name>)
-- ARGV  1 lease value  2 new token  3 device name (fifo: worker name)  4 node  5 epoch  6 pid  7 process start time  8 worker name
--       9 now (ISO)  10 hostname  11 queue names (comma separated)
-- ->    'adopted' | 'fenced' | 'owned'
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'fenced' end
if KEYS[1] ~= '' then
  local token = redis.call('HGET', KEYS[1], 'token')
  if token and string.sub(token, 1, #ARGV[1] + 1) ~= ARGV[1] .. '|' then return 'owned' end
  redis.call('HSET', KEYS[1], 'node', ARGV[4], 'epoch', ARGV[5], 'token', ARGV[2], 'state', 'idle', 'pid', ARGV[6],
    'started', ARGV[7], 'worker', ARGV[8], 'since', ARGV[9])
  redis.call('SREM', 'np:unplaced', ARGV[3])
end
redis.call('SADD', KEYS[3], ARGV[3])
if redis.call('EXISTS', KEYS[4]) == 0 then
  tell('worker', ARGV[8], 'started', 'device', KEYS[1] ~= '' and ARGV[3] or '', 'node', ARGV[4])
end
redis.call('HSET', KEYS[4], 'birth', ARGV[9], 'last_heartbeat', ARGV[9], 'hostname', ARGV[10], 'pid', ARGV[6], 'state', 'idle',
  'queues', ARGV[11], 'version', '3.0')
redis.call('SADD', 'rq:workers', KEYS[4])
for queue in string.gmatch(ARGV[11], '[^,]+') do redis.call('SADD', 'rq:workers:' .. queue, KEYS[4]) end
return 'adopted'
