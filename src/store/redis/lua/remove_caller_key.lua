-- Removes a caller's key. KEYS: the tenant's keys. ARGV: id (12). Answers how many there were.
return redis.call('HDEL', KEYS[1], ARGV[1])
