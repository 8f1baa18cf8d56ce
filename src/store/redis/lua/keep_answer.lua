-- Keeps the answer of a call, unless it is somebody else's by now. KEYS: what is kept of it, bell. ARGV: the claim, the
-- answer, its life. Answers whether it is kept. The same answer again is this call's own, sent twice by a client that missed
-- the first reply.
local kept = redis.call('GET', KEYS[1])
if kept and kept ~= ARGV[1] then
  return kept == ARGV[2] and 1 or 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
ring(KEYS[2])
return 1
