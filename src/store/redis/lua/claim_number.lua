-- Notes that a number is a tenant's, unless it is another's. KEYS: the names by number. ARGV: the number (4 bytes), the
-- tenant's name, names that it had before. Answers whose it is, where that is another; else nothing.
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if kept == ARGV[2] then
  return ''
end
local own = not kept
for at = 3, #ARGV do
  own = own or ARGV[at] == kept
end
if not own then
  return kept
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ''
