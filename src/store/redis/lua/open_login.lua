-- Keeps a login that has just begun. KEYS: login. ARGV: version, binding, sealed, life.
-- Fields: v version, b binding, a began (ms), s state (o open, t taken, w waits for a choice, d done, f failed), p what is
-- sealed, h what was sealed instead when it began to wait, and when taken: k the holder's token, u held until (ms), e end of the login's own time (ms), n noted session, x set once
-- somebody was told of the interruption; at the end: r result alone.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'v', ARGV[1], 'b', ARGV[2], 'a', integer(now()), 's', 'o', 'p', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
