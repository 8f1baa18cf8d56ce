-- Notes the session that a login's holder is about to make. KEYS: login. ARGV: version, session.
-- Answers whether the lease still runs.
local login = redis.call('HMGET', KEYS[1], 'v', 's', 'u')
if login[1] and login[1] ~= ARGV[1] then
  return UNREADABLE
end
if login[2] ~= 't' or now() >= tonumber(login[3]) then
  return 0
end
redis.call('HSET', KEYS[1], 'n', ARGV[2])
return 1
