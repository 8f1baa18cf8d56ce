-- The tokens of a session that is there. KEYS: record, tokens.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
return redis.call('GET', KEYS[2])
