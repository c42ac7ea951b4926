-- A full node gives up devices that nobody has asked anything of for long: their workers are ordered to leave, those that
-- have been idle for longest first. Work that waits, and a change whose timer runs, keep a device.
-- KEYS  1 node's devices  2 lease  3 orders
-- ARGV  1 how many at most  2 idle since then at the latest (ISO)  3 now (ISO)  4 who was asked before then and has not
--       left may be asked again (ISO)
-- ->    number of workers that were ordered to leave
local function needed(device)
  local queue = 'rq:queue:device:' .. device
  if redis.call('EXISTS', queue, queue .. '/control', queue .. '/interactive', queue .. '/batch') > 0 then return true end
  for _, change in ipairs(redis.call('HVALS', 'np:commits:' .. device)) do
    local read, known = pcall(cjson.decode, change)
    if read and (known.state == 'committing' or known.state == 'pending' or known.state == 'unknown') then return true end
  end
  return false
end

if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local idle = {}
for _, device in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local had = redis.call('HMGET', 'np:device:' .. device, 'state', 'since', 'worker', 'leaving')
  if had[1] == 'idle' and (had[2] or '') <= ARGV[2] and (had[4] or '') < ARGV[4] then
    idle[#idle + 1] = { device, had[2] or '', had[3] or '' }
  end
end
table.sort(idle, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1]) end)
local asked = 0
for _, one in ipairs(idle) do
  if asked >= tonumber(ARGV[1]) then break end
  if not needed(one[1]) then
    redis.call('HSET', 'np:device:' .. one[1], 'leaving', ARGV[3])
    redis.call('RPUSH', KEYS[3], cjson.encode({ operation = 'stop_worker', device = one[1], worker = one[3], job = '' }))
    asked = asked + 1
  end
end
return asked
