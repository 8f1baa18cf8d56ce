-- Ends a session. Works on a record that can't be read too: then the sweep removes its index entry.
-- KEYS: record, tokens, attributes, lease, tombstone, bell, index, marks of everything and of the tenant.
-- ARGV: reason, life of the tombstone, id.
-- Answers how many living sessions there were.
local killed = is_killed_at(KEYS[1], marks_in(KEYS[8], KEYS[9])) and 1 or 0
local header = redis.pcall('GETRANGE', KEYS[1], 0, HEADER_LEN - 1)
if type(header) == 'string' and header ~= '' and is_record(header) then
  redis.call('ZREM', KEYS[7], string.sub(header, USER_FROM, USER_TO) .. ARGV[3])
end
return remove(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], ARGV[1], ARGV[2]) - killed
