-- What a waiter has to know. KEYS: what is kept of a call, bell. ARGV: how a claim begins.
-- Answers how long the claim still lasts (zero: nobody has it), the last ring.
local kept = redis.call('GET', KEYS[1])
if not kept or string.sub(kept, 1, #ARGV[1]) ~= ARGV[1] then
  return { 0, '' }
end
return { math.max(0, redis.call('PTTL', KEYS[1])), last_ring(KEYS[2]) }
