-- Writes a record over the one before it, which keeps its life.
-- KEYS: record, bell. ARGV: record, the revision that has to be there, as bytes.
-- Answers 1 written, 2 the revision is another, 4 the session is gone.
local kept = redis.call('GET', KEYS[1])
if not kept then
  return 4
end
if not is_record(kept) then
  return UNREADABLE
end
if string.sub(kept, REVISION_FROM, REVISION_TO) ~= ARGV[2] then
  return 2
end
redis.call('SET', KEYS[1], over(kept, ARGV[1]), 'KEEPTTL')
ring(KEYS[2])
return 1
