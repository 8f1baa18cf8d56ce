-- Takes a login. KEYS: login. ARGV: version, this call's token, lease, the state that it has to be in (o open, w waiting),
-- bindings ...
-- Answers {state, ...}: t taken by this caller, sealed, began, time left; b busy; w waiting, sealed; d done, answer;
-- f failed, reason; i interrupted, noted session or ''; o another browser's; m missing.
local login = redis.call('HMGET', KEYS[1], 'v', 'b', 's', 'p', 'a', 'u', 'n', 'r', 'k', 'e', 'h')
local version, binding, state, sealed, began = login[1], login[2], login[3], login[4], login[5]
local held_until, noted, result, holder, ends = login[6], login[7], login[8], login[9], login[10]
sealed = login[11] or sealed
if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 'm' }
end
if version ~= ARGV[1] or not state then
  return UNREADABLE
end
local own = false
for i = 5, #ARGV do
  own = own or ARGV[i] == binding
end
if not own then
  return { 'o' }
end
if state == 'd' or state == 'f' then
  return { state, result }
end
local time = now()
if state == 't' then
  if time >= tonumber(held_until) then
    redis.call('HSET', KEYS[1], 'x', 1)
    return { 'i', noted or '' }
  elseif holder == ARGV[2] then
    -- The same call once more, after its first answer was lost on the way.
    return { 't', sealed, tonumber(began), math.max(0, tonumber(ends) - time) }
  end
  return { 'b' }
end
if state == 'w' and ARGV[4] == 'o' then
  return { 'w', sealed }
elseif state == 'o' and ARGV[4] == 'w' then
  return { 'm' }
elseif state ~= 'o' and state ~= 'w' then
  return UNREADABLE
end
local left, lease = redis.call('PTTL', KEYS[1]), tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 's', 't', 'u', integer(time + lease), 'k', ARGV[2], 'e', integer(time + left))
-- It stays for a second lease after the first, so that an interruption is seen.
lengthen(KEYS[1], 2 * lease)
return { 't', sealed, tonumber(began), left }
