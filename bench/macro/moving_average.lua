-- The moving average as one would write it for Redis: KEYS[1] is a list, ARGV[1] its length, ARGV[2] the new value.
redis.call('RPUSH', KEYS[1], ARGV[2])
redis.call('LTRIM', KEYS[1], -ARGV[1], -1)
local window = redis.call('LRANGE', KEYS[1], 0, -1)
local sum = 0
for _, value in ipairs(window) do
    sum = sum + tonumber(value)
end
return string.format('%.17g', sum / #window) -- as text: Redis would cut a number's fraction off
