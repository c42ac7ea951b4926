-- A login has ended: count it.
-- ARGV  1 driver  2 phase in which it failed or ''  3 seconds that it waited for its turn
-- ->    1
count('logins|' .. ARGV[1] .. '|' .. (ARGV[2] == '' and 'ok' or 'failed'))
if ARGV[2] ~= '' then count('login_failures|' .. ARGV[1] .. '|' .. ARGV[2]) end
observe('login_wait', tonumber(ARGV[3]))
return 1
