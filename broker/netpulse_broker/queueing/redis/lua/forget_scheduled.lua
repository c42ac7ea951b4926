-- Forgets a job that waits for its time, not one that is in its queue already, or runs.
-- KEYS  1 job
-- ->    how many were forgotten
if redis.call('HGET', KEYS[1], 'status') == 'scheduled' then return redis.call('DEL', KEYS[1]) end
return 0
