-- Claims a call, or holds on to it. KEYS: what is kept of it. ARGV: the claim, its life.
-- Answers what is kept in its way: somebody else's claim, or an answer; '' when it is this caller's now.
local kept = redis.call('GET', KEYS[1])
if kept and kept ~= ARGV[1] then
  return kept
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''
