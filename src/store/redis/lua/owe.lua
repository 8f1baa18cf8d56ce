-- Adds to what comes back of an allowance, as `session/rate.rs` says. KEYS: when all that was taken will have come back.
-- ARGV: in how long what is added comes back, how long all of it may take. All times are in microseconds.
-- Answers how long all of it takes.
local time = redis.call('TIME')
local at = time[1] * 1000000 + time[2]
local before = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), at)
local after = math.max(before, math.min(before + tonumber(ARGV[1]), at + tonumber(ARGV[2])))
redis.call('SET', KEYS[1], integer(after), 'PX', integer(math.max(1, math.ceil((after - at) / 1000))))
return integer(after - at)
