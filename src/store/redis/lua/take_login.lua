-- Takes an open login. KEYS: login. ARGV: version, lease, bindings ...
-- Answers {state, ...}: t taken by this caller, sealed, began, time left; b busy; d done, answer; f failed, reason;
-- i interrupted, noted session or ''; o another browser's; m missing.
local login = redis.call('HMGET', KEYS[1], 'v', 'b', 's', 'p', 'a', 'u', 'n', 'r')
local version, binding, state = login[1], login[2], login[3]
if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 'm' }
end
if version ~= ARGV[1] or not state then
  return UNREADABLE
end
local own = false
for i = 3, #ARGV do
  own = own or ARGV[i] == binding
end
if not own then
  return { 'o' }
end
if state == 'd' or state == 'f' then
  return { state, login[8] }
end
local time = now()
if state == 't' then
  if time < tonumber(login[6]) then
    return { 'b' }
  end
  redis.call('HSET', KEYS[1], 'x', 1)
  return { 'i', login[7] or '' }
end
if state ~= 'o' then
  return UNREADABLE
end
local left = redis.call('PTTL', KEYS[1])
redis.call('HSET', KEYS[1], 's', 't', 'u', integer(time + tonumber(ARGV[2])))
redis.call('HDEL', KEYS[1], 'p')
-- It stays for a second lease after the first, so that an interruption is seen.
lengthen(KEYS[1], 2 * tonumber(ARGV[2]))
return { 't', login[4], tonumber(login[5]), left }
