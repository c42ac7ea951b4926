-- What a worker has added up, while it has no job to hand it over with.
-- ARGV  1 lines: name, blank, what is to be added
-- ->    1
add_totals(ARGV[1])
return 1
