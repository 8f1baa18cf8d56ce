-- Puts a tenant's mint keys, sealed anew, into their place. KEYS: keys. ARGV: the keys that have to be there, those to be kept.
-- Answers whether they were there.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
