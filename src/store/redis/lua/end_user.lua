-- Raises a user's mark and ends all sessions of the user.
-- KEYS: index, mark, marks of everything and of the tenant; for each member: record, tokens, lease, tombstone, bell
-- ARGV: user, reason and life of the tombstones, life of the mark; the members
-- Answers {1, count} living sessions ended, or {0, member ...} these are the members now, come again; the mark is raised already.
local index, mark, user = KEYS[1], KEYS[2], ARGV[1]

local raised = now()
local before = redis.call('GET', mark)
if before then
  raised = math.max(raised, tonumber(before) + 1)
  redis.call('SET', mark, integer(raised), 'KEEPTTL')
  lengthen(mark, ARGV[4])
else
  redis.call('SET', mark, integer(raised), 'PX', ARGV[4])
end

local first_key = {}
for i = 5, #ARGV do
  first_key[ARGV[i]] = 4 + (i - 5) * 5
end
local members = members_of(index, user)
for _, member in ipairs(members) do
  if not first_key[member] then
    return answer(0, members)
  end
end

local marks = marks_in(KEYS[3], KEYS[4])
local ended = 0
for _, member in ipairs(members) do
  local k = first_key[member]
  if is_killed_at(KEYS[k + 1], marks) then
    ended = ended - 1
  end
  ended = ended + remove(KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4], KEYS[k + 5], ARGV[2], ARGV[3])
  redis.call('ZREM', index, member)
end
return { 1, ended }
