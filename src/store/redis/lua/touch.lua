-- Writes down that a session was used. KEYS: record. ARGV: when, life from now on. Answers whether it was there.
local header = redis.call('GETRANGE', KEYS[1], 0, HEADER_LEN - 1)
if header == '' then
  return 0
end
if not is_record(header) then
  return UNREADABLE
end
if number(header, LAST_ACTIVE_FROM) < tonumber(ARGV[1]) then
  redis.call('SETRANGE', KEYS[1], LAST_ACTIVE_FROM - 1, struct.pack('>I8', tonumber(ARGV[1])))
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
