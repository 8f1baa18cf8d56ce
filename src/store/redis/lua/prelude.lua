-- What every script begins with, after the format's numbers. Every key comes as KEYS; none is made here.

-- How long a bell hangs after it last rang: longer than anybody waits for one.
local BELL_FOR = 60000

local UNREADABLE = redis.error_reply('UNREADABLE something kept that this version can not read')

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function integer(n)
  return string.format('%.0f', n)
end

local function number(record, from, to)
  return (struct.unpack('>I' .. (to - from + 1), record, from))
end

-- Writes a number into a field of the record at `key`.
local function put(key, n, from, to)
  redis.call('SETRANGE', key, from - 1, struct.pack('>I' .. (to - from + 1), n))
end

local function is_record(value)
  local version = string.byte(value)
  return #value >= HEADER_LEN and version >= 1 and version <= VERSION
end

local function is_user(value)
  return #value >= USER_LEN and string.byte(value) == USER_VERSION
end

local function is_disabled(user)
  return string.byte(user, 2) % 2 == USER_DISABLED
end

-- Sets a key's life to `ms` unless it has a longer one.
local function lengthen(key, ms)
  if redis.call('PTTL', key) < tonumber(ms) then
    redis.call('PEXPIRE', key, ms)
  end
end

-- Leaves a tombstone. One that is there keeps its reason, since it was the first.
local function bury(tombstone, why, ms)
  if not redis.call('SET', tombstone, why, 'PX', ms, 'NX') then
    lengthen(tombstone, ms)
  end
end

-- Wakes whoever waits: each of them reads the stream past what it has seen.
local function ring(bell)
  redis.call('XADD', bell, 'MAXLEN', 1, '*', 'r', '')
  redis.call('PEXPIRE', bell, BELL_FOR)
end

-- The id of the last ring; what is rung after it is heard even before anybody listens.
local function last_ring(bell)
  local last = redis.call('XREVRANGE', bell, '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or '0-0'
end

-- The members of the index that name a user's sessions.
local function members_of(index, user)
  return redis.call('ZRANGEBYLEX', index, '[' .. user .. string.rep('\0', 16), '[' .. user .. string.rep('\255', 16))
end

-- Removes what a session consists of, and leaves a tombstone. Answers how many records there were.
local function remove(record, tokens, attributes, lease, tombstone, bell, why, ms)
  local ended = redis.call('DEL', record)
  redis.call('DEL', tokens, attributes)
  if redis.call('DEL', lease) == 1 then
    ring(bell)
  end
  bury(tombstone, why, ms)
  return ended
end

-- The marks in force, from the hashes of everything and of a tenant.
local function marks_in(everything, tenant)
  local marks = { everything = tonumber(redis.call('HGET', everything, '') or 0), tenant = 0, of = {} }
  local all = redis.call('HGETALL', tenant)
  for i = 1, #all, 2 do
    if all[i] == '' then
      marks.tenant = tonumber(all[i + 1])
    else
      marks.of[all[i]] = tonumber(all[i + 1])
    end
  end
  return marks
end

-- Whether one of the marks kills the session of a record, or of its first MARKS_TO bytes.
local function is_killed(record, marks)
  local everything, tenant, provider = 0, 0, 0
  if bit.band(string.byte(record, 2), HAS_MARKS) ~= 0 and #record >= MARKS_TO then
    everything, tenant, provider = struct.unpack('>I6I6I6', record, MARKS_FROM)
  end
  local of = marks.of[string.sub(record, PROVIDER_FROM, PROVIDER_TO)] or 0
  return marks.everything > everything or marks.tenant > tenant or of > provider
end

-- When a session began, as its record has it in bytes; '' where it does not say. Needs the first MARKS_TO + 6 bytes.
local function began_in(record)
  local flags = string.byte(record, 2)
  local before = bit.band(flags, HAS_MARKS) ~= 0 and MARKS_TO or HEADER_LEN
  return bit.band(flags, HAS_BEGAN) ~= 0 and string.sub(record, before + 1, before + 6) or ''
end

-- As is_killed, of the record with this key. One that is not there or can't be read is not.
local function is_killed_at(key, marks)
  local header = redis.pcall('GETRANGE', key, 0, MARKS_TO - 1)
  return type(header) == 'string' and header ~= '' and is_record(header) and is_killed(header, marks)
end

-- Removes a member from the index when the record it names is gone or killed by a mark, with what that session left
-- behind: an id never comes back, so what is dead now is dead for good. Answers how many it removed.
local function forget_if_gone(index, member, record, tokens, attributes, lease, marks)
  local header = redis.pcall('GETRANGE', record, 0, MARKS_TO - 1)
  if type(header) ~= 'string' then
    return 0
  end
  if header ~= '' and not (is_record(header) and is_killed(header, marks)) then
    return 0
  end
  redis.call('UNLINK', record, tokens, attributes, lease)
  return redis.call('ZREM', index, member)
end

-- A record to write over the kept one: later use, the fence, the user and the beginning stay as kept.
local function over(kept, new)
  local function used(record)
    return number(record, LAST_ACTIVE_FROM, LAST_ACTIVE_TO)
  end
  local later, began = used(kept) > used(new) and kept or new, began_in(kept)
  local flags = string.byte(new, 2)
  local before = bit.band(flags, HAS_MARKS) ~= 0 and MARKS_TO or HEADER_LEN
  return string.sub(new, 1, 1)
    .. string.char(began == '' and flags or bit.bor(flags, HAS_BEGAN))
    .. string.sub(new, 3, LAST_ACTIVE_FROM - 1)
    .. string.sub(later, LAST_ACTIVE_FROM, LAST_ACTIVE_TO)
    .. string.sub(kept, FENCE_FROM, FENCE_TO)
    .. string.sub(new, FENCE_TO + 1, USER_FROM - 1)
    .. string.sub(kept, USER_FROM, USER_TO)
    .. string.sub(new, USER_TO + 1, before)
    .. began
    .. string.sub(new, before + 1)
end

-- An answer that begins with `first` and goes on with the members of `list`.
local function answer(first, list)
  local whole = { first }
  for _, member in ipairs(list) do
    whole[#whole + 1] = member
  end
  return whole
end
