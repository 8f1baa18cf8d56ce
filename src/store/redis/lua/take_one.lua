-- Takes one of an allowance, as `session/rate.rs` says. KEYS: when all that was taken will have come back.
-- ARGV: how long one takes to come back, how many there are. All times are in microseconds.
-- Answers 0 when it is taken, else how long it is until the next one is there.
local time = redis.call('TIME')
local at = time[1] * 1000000 + time[2]
local interval, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local back_at = tonumber(redis.call('GET', KEYS[1]) or 0)
local after = math.max(back_at, at) + interval
local latest = at + interval * most
if after > latest then
  return integer(after - latest)
end
redis.call('SET', KEYS[1], integer(after), 'PX', integer(math.ceil((after - at) / 1000)))
return '0'
