-- Removes from an index those of the given members that name no living session, with what those sessions left.
-- KEYS: index, marks of everything and of the tenant; for each member: record, tokens, attributes, lease. ARGV: the members.
-- Answers how many it removed.
local marks = marks_in(KEYS[2], KEYS[3])
local removed = 0
for i, member in ipairs(ARGV) do
  local k = 4 * i
  removed = removed + forget_if_gone(KEYS[1], member, KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], marks)
end
return removed
