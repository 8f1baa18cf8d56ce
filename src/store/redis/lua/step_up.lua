-- Writes the record of a new login and its tokens over what there was, and takes the lease from whoever holds it. Both
-- keep the life they have.
-- KEYS: record, tokens, lease, bell. ARGV: record, tokens, the revision that has to be there, as bytes.
-- Answers 1 written, 2 the revision is another, 4 the session is gone.
local kept = redis.call('GET', KEYS[1])
if not kept then
  return 4
end
if not is_record(kept) then
  return UNREADABLE
end
if string.sub(kept, REVISION_FROM, REVISION_TO) ~= ARGV[3] then
  return 2
end

redis.call('SET', KEYS[1], over(kept, ARGV[1]), 'KEEPTTL')
put(KEYS[1], number(kept, FENCE_FROM, FENCE_TO) + 1, FENCE_FROM, FENCE_TO)
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('SET', KEYS[2], ARGV[2], 'KEEPTTL')
else
  redis.call('SET', KEYS[2], ARGV[2], 'PX', math.max(1, redis.call('PTTL', KEYS[1])))
end
redis.call('DEL', KEYS[3])
ring(KEYS[4])
return 1
