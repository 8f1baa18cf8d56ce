-- Raises a user's mark and ends all sessions of the user; where asked to, disables or deletes the user in the same step.
-- KEYS: index, mark, user's record, index of users, note of a deletion, marks of everything and of the tenant;
--       for each member: record, tokens, attributes, lease, tombstone, bell
-- ARGV: user, reason and life of the tombstones, life of the mark, what becomes of the user (e nothing, d disabled,
--       x deleted), life of the note; the members
-- Answers {1, count} living sessions ended, {0, member ...} these are the members now, come again; the mark is raised already,
-- {2} there is no record of the user.
local index, mark, user_record, users, note = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local user, becomes = ARGV[1], ARGV[5]
local first_key, first_member = 7, 6

local known_user = becomes ~= 'e' and redis.call('GET', user_record)
if known_user and not is_user(known_user) then
  return UNREADABLE
end
if becomes ~= 'e' and not known_user and (becomes == 'd' or redis.call('EXISTS', note) == 0) then
  return { 2 }
end

local raised = now()
local before = redis.call('GET', mark)
if before then
  raised = math.max(raised, tonumber(before) + 1)
  redis.call('SET', mark, integer(raised), 'KEEPTTL')
  lengthen(mark, ARGV[4])
else
  redis.call('SET', mark, integer(raised), 'PX', ARGV[4])
end

local before_keys = {}
for i = 1, #ARGV - first_member do
  before_keys[ARGV[first_member + i]] = first_key + (i - 1) * 6
end
local members = members_of(index, user)
for _, member in ipairs(members) do
  if not before_keys[member] then
    return answer(0, members)
  end
end

local marks = marks_in(KEYS[6], KEYS[7])
local ended = 0
for _, member in ipairs(members) do
  local k = before_keys[member]
  if is_killed_at(KEYS[k + 1], marks) then
    ended = ended - 1
  end
  ended = ended
    + remove(KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4], KEYS[k + 5], KEYS[k + 6], ARGV[2], ARGV[3])
  redis.call('ZREM', index, member)
end
if becomes == 'd' then
  redis.call('SETRANGE', user_record, 1, string.char(USER_DISABLED))
elseif becomes == 'x' and known_user then
  redis.call('DEL', user_record)
  redis.call('ZREM', users, user)
  redis.call('SET', note, integer(now()), 'PX', ARGV[6])
end
return { 1, ended }
