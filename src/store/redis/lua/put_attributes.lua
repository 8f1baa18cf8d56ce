-- Keeps what an application keeps with a session. KEYS: record, attributes.
-- ARGV: attributes, how those before them begin or '' where there are none, life.
-- Answers 1 written, 2 others were written meanwhile, 4 the session is gone.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 4
end
local kept = redis.call('GET', KEYS[2]) or ''
if kept == ARGV[1] then
  -- The same call once more, after its first answer was lost on the way.
  return 1
end
if string.sub(kept, 1, 9) ~= ARGV[2] then
  return 2
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return 1
