-- Writes a tenant's mint keys over those before them. KEYS: keys. ARGV: keys, the revision that has to be there, as
-- bytes (zero: none), life. Answers whether it was this call; the same keys again are a repeat.
local kept = redis.call('GET', KEYS[1])
if kept == ARGV[1] then
  return 1
end
if kept and string.byte(kept) ~= 1 then
  return UNREADABLE
end
local revision = kept and string.sub(kept, 2, 9) or string.rep('\0', 8)
if revision ~= ARGV[2] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
