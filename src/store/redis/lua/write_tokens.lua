-- Writes refreshed tokens and the record that goes with them. Both keep the life they have.
-- KEYS: record, tokens, bell. ARGV: record, tokens, fence and revision that have to be there, as bytes.
-- Answers 1 written, 2 the revision is another, 3 the fence is another, 4 the session is gone.
local kept = redis.call('GET', KEYS[1])
if not kept then
  return 4
end
if not is_record(kept) then
  return UNREADABLE
end
if string.sub(kept, FENCE_FROM, FENCE_TO) ~= ARGV[3] then
  return 3
end
if string.sub(kept, REVISION_FROM, REVISION_TO) ~= ARGV[4] then
  return 2
end

redis.call('SET', KEYS[1], over(kept, ARGV[1]), 'KEEPTTL')
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('SET', KEYS[2], ARGV[2], 'KEEPTTL')
else
  redis.call('SET', KEYS[2], ARGV[2], 'PX', math.max(1, redis.call('PTTL', KEYS[1])))
end
ring(KEYS[3])
return 1
