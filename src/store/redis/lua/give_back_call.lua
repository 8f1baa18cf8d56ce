-- Gives back a call that is still this holder's. KEYS: what is kept of it, bell. ARGV: the claim.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  ring(KEYS[2])
end
return 1
