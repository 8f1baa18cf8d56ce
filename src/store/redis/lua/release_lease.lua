-- Gives back a lease that is still this holder's. KEYS: lease, bell. ARGV: the holder's token.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  ring(KEYS[2])
end
return 1
