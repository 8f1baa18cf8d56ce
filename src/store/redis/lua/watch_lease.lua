-- What a waiter has to know. KEYS: record, lease, bell.
-- Answers how long the lease still lasts (zero or less: it is free), the revision, the last ring.
local header = redis.call('GETRANGE', KEYS[1], 0, HEADER_LEN - 1)
if header == '' then
  return { 0, '', '' }
end
if not is_record(header) then
  return UNREADABLE
end
return { redis.call('PTTL', KEYS[2]), string.sub(header, REVISION_FROM, REVISION_TO), last_ring(KEYS[3]) }
