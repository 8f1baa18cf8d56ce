-- Lets a taken login wait for a choice. KEYS: login, bell, those under way. ARGV: version, what is kept of it, life, id.
-- Answers whether it waits: not when it has ended, or somebody was told of an interruption.
local login = redis.call('HMGET', KEYS[1], 'v', 's', 'x', 'h')
if login[1] and login[1] ~= ARGV[1] then
  return UNREADABLE
end
if login[2] == 'w' and login[4] == ARGV[2] then
  -- The same call once more, after its first answer was lost on the way.
  return 1
end
if login[2] ~= 't' or login[3] then
  return 0
end
redis.call('HSET', KEYS[1], 's', 'w', 'h', ARGV[2])
redis.call('HDEL', KEYS[1], 'p', 'k', 'u', 'e', 'n')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if redis.call('ZADD', KEYS[3], 'XX', 'CH', integer(now() + tonumber(ARGV[3])), ARGV[4]) == 1 then
  lengthen(KEYS[3], ARGV[3])
end
ring(KEYS[2])
return 1
