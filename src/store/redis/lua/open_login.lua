-- Keeps a login that has just begun. KEYS: login, those under way. ARGV: version, binding, sealed, life, id, how many may be
-- under way or ''. Answers whether there was room.
-- Fields: v version, b binding, a began (ms), s state (o open, t taken, w waits for a choice, d done, f failed), p what is
-- sealed, h what was sealed instead when it began to wait, and when taken: k the holder's token, u held until (ms), e end of the login's own time (ms), n noted session, x set once
-- somebody was told of the interruption; at the end: r result alone.
if redis.call('EXISTS', KEYS[1]) == 0 then
  if ARGV[6] ~= '' then
    local at = now()
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', integer(at))
    if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) then
      return 0
    end
    redis.call('ZADD', KEYS[2], integer(at + tonumber(ARGV[4])), ARGV[5])
    lengthen(KEYS[2], ARGV[4])
  end
  redis.call('HSET', KEYS[1], 'v', ARGV[1], 'b', ARGV[2], 'a', integer(now()), 's', 'o', 'p', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
