-- Takes the token lease, and raises the fence. KEYS: record, lease. ARGV: this call's token, life.
-- Answers {1, fence} taken, {2} held by somebody else, {3} the session is gone.
local header = redis.call('GETRANGE', KEYS[1], 0, HEADER_LEN - 1)
if header == '' then
  return { 3 }
end
if not is_record(header) then
  return UNREADABLE
end
local fence = number(header, FENCE_FROM, FENCE_TO)
local holder = redis.call('GET', KEYS[2])
if holder then
  -- The same call once more, after its first answer was lost on the way: nobody has raised the fence since.
  return holder == ARGV[1] and { 1, fence } or { 2 }
end
fence = fence + 1
put(KEYS[1], fence, FENCE_FROM, FENCE_TO)
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return { 1, fence }
