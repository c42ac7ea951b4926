-- ARGV  1 kind or ''
-- ->    {{name, kind, capacity, load, draining, alive (1 or 0), hostname, pid, epoch, started_at,
--       make_room_after, stalled, fork_server_losses, clock_skew, unfit, loading (1 or 0)}, ...}
local answer = {}
for _, name in ipairs(redis.call('SMEMBERS', 'np:nodes')) do
  local node = redis.call('HMGET', 'np:node:' .. name, 'kind', 'capacity', 'draining', 'hostname', 'pid', 'epoch', 'started_at',
    'make_room_after', 'stalled', 'fork_server_losses', 'clock_skew', 'unfit',
    'loading')
  if ARGV[1] == '' or node[1] == ARGV[1] then
    answer[#answer + 1] = { name, node[1] or '', node[2] or '0', redis.call('SCARD', 'np:node:' .. name .. ':devices'),
      node[3] or '0', redis.call('EXISTS', 'np:lease:' .. name), node[4] or '', node[5] or '0', node[6] or '0', node[7] or '',
      node[8] or '0', node[9] or '0', node[10] or '0', node[11] or '0', node[12] or '', node[13] or '0' }
  end
end
return answer
