-- Raises a user's mark to a moment that has passed: no login that had begun by then makes a session.
-- KEYS: mark. ARGV: how long ago that was, life of the mark.
local at = math.max(now() - tonumber(ARGV[1]), 0)
local before = redis.call('GET', KEYS[1])
if not before then
  redis.call('SET', KEYS[1], integer(at), 'PX', ARGV[2])
  return 1
end
redis.call('SET', KEYS[1], integer(math.max(at, tonumber(before))), 'KEEPTTL')
lengthen(KEYS[1], ARGV[2])
return 1
