-- What a reader has to know after it has read. KEYS: log. ARGV: the id it read after.
-- Answers whether that entry is still in the log, the last id, and which history of the data this server has: another one
-- after a failover or a restart.
local told = redis.pcall('INFO', 'replication')
local history = type(told) == 'string' and string.match(told, 'master_replid:(%w+)') or ''
return { #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]), last_ring(KEYS[1]), history }
