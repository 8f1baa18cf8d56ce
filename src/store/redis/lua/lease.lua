-- Takes the token lease, and raises the fence. KEYS: record, lease. ARGV: life.
-- Answers {1, fence} taken, {2} held by somebody else, {3} the session is gone.
local header = redis.call('GETRANGE', KEYS[1], 0, HEADER_LEN - 1)
if header == '' then
  return { 3 }
end
if not is_record(header) then
  return UNREADABLE
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return { 2 }
end
local fence = number(header, FENCE_FROM) + 1
redis.call('SETRANGE', KEYS[1], FENCE_FROM - 1, struct.pack('>I8', fence))
redis.call('SET', KEYS[2], integer(fence), 'PX', ARGV[1])
return { 1, fence }
