-- Appends events to the log. KEYS: log. ARGV: how long it keeps events, how many it keeps at most; the events.
-- Answers the last one's id.
local oldest = integer(math.max(0, now() - tonumber(ARGV[1])))
local id
for i = 3, #ARGV do
  id = redis.call('XADD', KEYS[1], 'MINID', '~', oldest, '*', 'e', ARGV[i])
end
if redis.call('XLEN', KEYS[1]) > tonumber(ARGV[2]) then
  redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[1])
return id
