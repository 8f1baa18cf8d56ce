-- Puts what was sealed anew into the place of a caller's key. KEYS: the tenant's keys. ARGV: id (12), the key as it has to be
-- there, the key as it is to be kept. Answers whether it was there.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
