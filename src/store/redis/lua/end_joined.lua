-- Notes that one of the provider's own sessions ends now: no login that has begun joins it any more.
-- KEYS: the names of its sessions. ARGV: how long that is remembered at least.
-- Answers the members, each followed by when it was noted; the empty one is the end itself.
local before = redis.call('ZSCORE', KEYS[1], '')
redis.call('ZADD', KEYS[1], integer(math.max(tonumber(before or 0), now())), '')
lengthen(KEYS[1], ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
