-- Removes from an index those of the given members that name no living session, with the tokens they left.
-- An id never comes back, so what is dead now is dead for good.
-- KEYS: index; for each member: record, tokens. ARGV: the members. Answers how many it removed.
local removed = 0
for i, member in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[2 * i]) == 0 then
    removed = removed + redis.call('ZREM', KEYS[1], member)
    redis.call('UNLINK', KEYS[2 * i + 1])
  end
end
return removed
