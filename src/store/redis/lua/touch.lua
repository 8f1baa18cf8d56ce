-- Writes down that a session was used, unless that was written of late. KEYS: record. ARGV: when, the latest use that is
-- not of late, life from now on. Answers {1} written, {2, when it was used of late}, {3} the session is gone.
local header = redis.call('GETRANGE', KEYS[1], 0, HEADER_LEN - 1)
if header == '' then
  return { 3 }
end
if not is_record(header) then
  return UNREADABLE
end
local used = number(header, LAST_ACTIVE_FROM, LAST_ACTIVE_TO)
if used > tonumber(ARGV[2]) then
  return { 2, used }
end
put(KEYS[1], math.max(used, tonumber(ARGV[1])), LAST_ACTIVE_FROM, LAST_ACTIVE_TO)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 1 }
