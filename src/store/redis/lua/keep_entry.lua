-- Keeps an audit entry. KEYS: the hours that there are, the entries of its hour, how many of its room the hour has, then for
-- each of its names the ids of that name. ARGV: the hour (4 bytes), the id (16), the id and what is sealed, the life, how many
-- of its room the hour may have (empty: it has no room), how long they are counted, the first hour that is still kept (4), the
-- first id that is (16), how many ids a name may have, the time of the id, how far that may lie back.
-- Answers 1 where it is kept, 0 where its room is full, and the time now where it comes too late.
if not redis.call('ZSCORE', KEYS[2], ARGV[3]) then
  local time = now()
  if time - tonumber(ARGV[10]) > tonumber(ARGV[11]) then
    return time
  end
  if ARGV[5] ~= '' then
    local count = tonumber(redis.call('GET', KEYS[3]) or '0')
    if count >= tonumber(ARGV[5]) then
      return 0
    end
    redis.call('SET', KEYS[3], count + 1, 'PX', ARGV[6])
  end
end
local function forget(key, before)
  local gone = redis.call('ZRANGE', key, '-', '(' .. before, 'BYLEX', 'LIMIT', 0, 100)
  if #gone > 0 then
    redis.call('ZREM', key, unpack(gone))
  end
end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('ZADD', KEYS[2], 0, ARGV[3])
forget(KEYS[1], ARGV[7])
for at = 4, #KEYS do
  redis.call('ZADD', KEYS[at], 0, ARGV[2])
  forget(KEYS[at], ARGV[8])
  local over = redis.call('ZCARD', KEYS[at]) - tonumber(ARGV[9])
  if over > 0 then
    redis.call('ZREM', KEYS[at], unpack(redis.call('ZRANGE', KEYS[at], 0, over - 1)))
  end
end
for at = 1, #KEYS do
  if at ~= 3 then
    redis.call('PEXPIRE', KEYS[at], ARGV[4])
  end
end
return 1
