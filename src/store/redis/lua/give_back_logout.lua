-- Gives back a logout token that is still this holder's. KEYS: the token's note. ARGV: the holder.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
