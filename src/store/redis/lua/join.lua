-- Notes that a session belongs to one of the provider's own. KEYS: their names. ARGV: member, life.
-- Answers how many are noted.
redis.call('ZADD', KEYS[1], integer(now()), ARGV[1])
lengthen(KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
