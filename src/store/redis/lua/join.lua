-- Notes that a session about to be made belongs to one of the provider's own. KEYS: their names.
-- ARGV: member, life, start of the login. The score of the empty member is when the provider's session ended.
-- Answers how many are noted; nothing when that one has ended since the login began.
local ended = redis.call('ZSCORE', KEYS[1], '')
if ended and tonumber(ended) >= tonumber(ARGV[3]) then
  return false
end
redis.call('ZADD', KEYS[1], integer(now()), ARGV[1])
lengthen(KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1]) - (ended and 1 or 0)
