-- Makes a session, ends those it replaces, and names it in its user's index.
-- KEYS: record, tokens, tombstone, index, user's mark, marks of everything and of the tenant;
--       for each replaced session: record, tokens, lease, tombstone, bell; for each looked-up member: record, tokens, lease
-- ARGV: record, tokens or '', life, tokens' life, start of the login, user, id, cap, reason and life of the tombstones,
--       count of replaced sessions; their ids; the looked-up members
-- Answers {1} created, {2} revoked meanwhile, {3} too many, {4, member ...} look these members up and come again.
local record, tokens, tombstone, index, mark = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local life, tokens_life, started, user = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local cap, why, remember_for, replaced = tonumber(ARGV[8]), ARGV[9], ARGV[10], tonumber(ARGV[11])
local first_replaced_key, first_member_key = 7, 7 + replaced * 5

local there = redis.call('GET', record)
if there then
  -- The same call once more, after its first answer was lost on the way.
  return { there == ARGV[1] and 1 or 2 }
end
if redis.call('EXISTS', tombstone) == 1 then
  return { 2 }
end
local marked = redis.call('GET', mark)
if marked and tonumber(marked) >= started then
  return { 2 }
end
local marks = marks_in(KEYS[6], KEYS[7])
if is_killed(ARGV[1], marks) then
  return { 2 }
end

local replaces = {}
for i = 1, replaced do
  replaces[user .. ARGV[11 + i]] = true
end

local members = members_of(index, user)
local living = 0
for _, member in ipairs(members) do
  living = living + (replaces[member] and 0 or 1)
end
if living >= cap then
  local key_of = {}
  for i = 0, (#KEYS - first_member_key) / 3 - 1 do
    key_of[ARGV[12 + replaced + i]] = first_member_key + 1 + i * 3
  end
  local unknown = 0
  for _, member in ipairs(members) do
    if not replaces[member] then
      local k = key_of[member]
      if not k then
        unknown = unknown + 1
      elseif forget_if_gone(index, member, KEYS[k], KEYS[k + 1], KEYS[k + 2], marks) == 1 then
        living = living - 1
      end
    end
  end
  if living - unknown >= cap then
    return { 3 }
  elseif living >= cap then
    return answer(4, members)
  end
end

for i = 0, replaced - 1 do
  local k = first_replaced_key + i * 5
  remove(KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4], KEYS[k + 5], why, remember_for)
  redis.call('ZREM', index, user .. ARGV[12 + i])
end
redis.call('SET', record, ARGV[1], 'PX', life)
if ARGV[2] ~= '' then
  redis.call('SET', tokens, ARGV[2], 'PX', tokens_life)
end
redis.call('ZADD', index, 0, user .. ARGV[7])
lengthen(index, life)
lengthen(index, tokens_life)
return { 1 }
