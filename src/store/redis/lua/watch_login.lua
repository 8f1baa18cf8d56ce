-- What a waiter has to know. KEYS: login, bell. Answers how long it is still held (zero: it is not), the last ring.
local login = redis.call('HMGET', KEYS[1], 's', 'u')
if login[1] ~= 't' then
  return { 0, '' }
end
return { math.max(0, tonumber(login[2]) - now()), last_ring(KEYS[2]) }
