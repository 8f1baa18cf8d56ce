-- Removes from an index those of the given members that name no living session, with what those sessions left.
-- KEYS: index; for each member: record, tokens, attributes, lease. ARGV: the members. Answers how many it removed.
local removed = 0
for i, member in ipairs(ARGV) do
  local k = 4 * i - 2
  removed = removed + forget_if_gone(KEYS[1], member, KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3])
end
return removed
