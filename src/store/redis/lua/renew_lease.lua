-- Renews a lease that is still this holder's, on a session that is there. KEYS: record, lease. ARGV: token, life.
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[2], ARGV[2])
