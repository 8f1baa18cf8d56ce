-- Ends a session. Works on a record that can't be read too: then the sweep removes its index entry.
-- KEYS: record, tokens, attributes, lease, tombstone, bell, index. ARGV: reason, life of the tombstone, id.
-- Answers how many sessions there were.
local header = redis.pcall('GETRANGE', KEYS[1], 0, HEADER_LEN - 1)
if type(header) == 'string' and header ~= '' and is_record(header) then
  redis.call('ZREM', KEYS[7], string.sub(header, USER_FROM, USER_TO) .. ARGV[3])
end
return remove(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], ARGV[1], ARGV[2])
