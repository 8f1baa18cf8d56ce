-- Writes down that a session was used. KEYS: record. ARGV: when, life from now on. Answers whether it was there.
local header = redis.call('GETRANGE', KEYS[1], 0, HEADER_LEN - 1)
if header == '' then
  return 0
end
if not is_record(header) then
  return UNREADABLE
end
if number(header, LAST_ACTIVE_FROM, LAST_ACTIVE_TO) < tonumber(ARGV[1]) then
  put(KEYS[1], tonumber(ARGV[1]), LAST_ACTIVE_FROM, LAST_ACTIVE_TO)
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
