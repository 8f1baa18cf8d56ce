-- Raises a mark. KEYS: the hash it is in. ARGV: field, life, the mark that was chosen, or '' to choose one above the one
-- before and the time. Answers the mark now in force here, in decimal.
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
local mark = ARGV[3] == '' and math.max(before + 1, now()) or math.max(before, tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], ARGV[1], integer(mark))
lengthen(KEYS[1], ARGV[2])
return integer(mark)
