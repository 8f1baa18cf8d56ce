-- Ends a login, once. KEYS: login, bell, those under way. ARGV: version, state (d or f), result, life, id.
-- Answers whether it was this call. With a session (d) it can't end once somebody was told of an interruption.
-- The same end again is this call's own, sent twice by a client that missed the answer.
local login = redis.call('HMGET', KEYS[1], 'v', 's', 'x', 'r')
local state = login[2]
if login[1] and login[1] ~= ARGV[1] then
  return UNREADABLE
end
if state == 'd' and ARGV[2] == 'd' and login[4] == ARGV[3] then
  return 1
end
if (state ~= 'o' and state ~= 't') or (login[3] and ARGV[2] == 'd') then
  return 0
end
redis.call('HSET', KEYS[1], 's', ARGV[2], 'r', ARGV[3])
redis.call('HDEL', KEYS[1], 'p', 'k', 'u', 'e', 'n', 'x', 'h')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZREM', KEYS[3], ARGV[5])
ring(KEYS[2])
return 1
