-- Lets a user log in again. KEYS: user's record. Answers whether there is one.
local kept = redis.call('GET', KEYS[1])
if not kept then
  return 0
end
if not is_user(kept) then
  return UNREADABLE
end
redis.call('SETRANGE', KEYS[1], 1, string.char(0))
return 1
