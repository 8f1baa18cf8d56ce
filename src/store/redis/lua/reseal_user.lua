-- Puts another profile into a user's record. KEYS: user's record. ARGV: the profile that has to be there, the new one.
-- Answers whether it was there.
local kept = redis.call('GET', KEYS[1])
if not kept or not is_user(kept) or string.sub(kept, USER_LEN + 1) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], string.sub(kept, 1, USER_LEN) .. ARGV[2])
return 1
