-- Adds a caller's key, and forgets those that have ended. KEYS: the tenant's keys. ARGV: id (12), the key as it is kept, the
-- moment in milliseconds, life, how many there may be. Answers 1: it is kept; 2: another has the name; 3: there are too many.
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if kept == ARGV[2] then
  return 1
end
local name, count = string.sub(ARGV[2], 10, 25), 0
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local other = all[at + 1]
  if string.byte(other) ~= 1 or #other < 25 then
    return UNREADABLE
  end
  if number(other, 2, 9) <= tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[at])
  elseif string.sub(other, 10, 25) == name then
    return 2
  else
    count = count + 1
  end
end
if count >= tonumber(ARGV[5]) then
  return 3
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
lengthen(KEYS[1], ARGV[4])
return 1
