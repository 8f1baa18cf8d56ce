-- Makes a session, ends those it replaces and those that make room, names it in its user's index, and brings the user's
-- record up to date.
-- KEYS: record, tokens, tombstone, index, user's mark, user's record, index of users, marks of everything
--       and of the tenant;
--       for each named session: record, tokens, attributes, lease, tombstone, bell
-- ARGV: record, tokens or '', life, tokens' life, start of the login, user, id, cap, 1 to make room, profile or '',
--       the moment of the login in bytes, reason and life of the tombstones, count of replaced sessions; the named sessions: members that are replaced,
--       then those looked up
-- Answers {1, first login, member that made room ...} created, {2} revoked meanwhile, {3} too many,
-- {4, member ...} look these members up and come again, {5} the user is disabled.
local record, tokens, tombstone, index, mark = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local user_record, users = KEYS[6], KEYS[7]
local life, tokens_life, started, user = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local cap, makes_room, profile = tonumber(ARGV[8]), ARGV[9] == '1', ARGV[10]
local at, why, remember_for, replaced = ARGV[11], ARGV[12], ARGV[13], tonumber(ARGV[14])
local first_key, first_member = 9, 14

local replaces, before_keys = {}, {}
for i = 1, #ARGV - first_member do
  local member = ARGV[first_member + i]
  before_keys[member] = first_key + (i - 1) * 6
  replaces[member] = replaces[member] or i <= replaced
end

local function finish(member)
  local k = before_keys[member]
  remove(KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4], KEYS[k + 5], KEYS[k + 6], why, remember_for)
  redis.call('ZREM', index, member)
end

local known_user = redis.call('GET', user_record)
if known_user and not is_user(known_user) then
  return UNREADABLE
end
local there = redis.call('GET', record)
if there and there ~= ARGV[1] then
  return { 2 }
elseif there then
  -- The same call once more, after its first answer was lost on the way.
  local made = { 1, known_user and number(known_user, LOGINS_FROM, LOGINS_TO) == 1 and 1 or 0 }
  for member, k in pairs(before_keys) do
    if not replaces[member] and redis.call('EXISTS', KEYS[k + 5]) == 1 then
      made[#made + 1] = member
    end
  end
  return made
end
if known_user and is_disabled(known_user) then
  return { 5 }
end
if redis.call('EXISTS', tombstone) == 1 then
  return { 2 }
end
local marked = redis.call('GET', mark)
if marked and tonumber(marked) >= started then
  return { 2 }
end
local marks = marks_in(KEYS[8], KEYS[9])
if is_killed(ARGV[1], marks) then
  return { 2 }
end

local members = members_of(index, user)
local living = 0
for _, member in ipairs(members) do
  living = living + (replaces[member] and 0 or 1)
end
local ends = {}
if living >= cap then
  local known, began, unknown = {}, {}, 0
  for place, member in ipairs(members) do
    if not replaces[member] then
      local k = before_keys[member]
      if not k then
        unknown = unknown + 1
      elseif forget_if_gone(index, member, KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4], marks) == 1 then
        living = living - 1
      else
        known[#known + 1] = place
        local header = redis.call('GETRANGE', KEYS[k + 1], 0, MARKS_TO + 5)
        local moment = is_record(header) and began_in(header) or ''
        began[place] = moment ~= '' and number(moment, 1, 6) or 0
      end
    end
  end
  if living >= cap and unknown > 0 and (makes_room or living - unknown < cap) then
    return answer(4, members)
  elseif living >= cap and not makes_room then
    return { 3 }
  end
  table.sort(known, function(a, b)
    return began[a] < began[b] or (began[a] == began[b] and a < b)
  end)
  for i = 1, living - cap + 1 do
    ends[i] = members[known[i]]
  end
end

for member, is_replaced in pairs(replaces) do
  if is_replaced then
    finish(member)
  end
end
for _, member in ipairs(ends) do
  finish(member)
end
redis.call('SET', record, ARGV[1], 'PX', life)
if ARGV[2] ~= '' then
  redis.call('SET', tokens, ARGV[2], 'PX', tokens_life)
end
redis.call('ZADD', index, 0, user .. ARGV[7])
lengthen(index, life)
lengthen(index, tokens_life)

local first_login = 0
if profile ~= '' then
  local since, logins = at, 1
  if known_user then
    since = string.sub(known_user, FIRST_LOGIN_FROM, FIRST_LOGIN_TO)
    logins = math.min(number(known_user, LOGINS_FROM, LOGINS_TO) + 1, 4294967295)
  else
    first_login = 1
    redis.call('ZADD', users, 0, user)
  end
  redis.call('SET', user_record, struct.pack('>BBI4', USER_VERSION, 0, logins) .. since .. at .. profile)
end
table.insert(ends, 1, first_login)
return answer(1, ends)
