package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// addScript does on one Redis what [Links.add] does in four commands: in one round trip, and
// atomically for other clients. It cannot be used on a Cluster, where its keys lie on different
// nodes.
//
//	reverse-url:https://a → nothing, last-url-id → 7      before
//	url-target:8 → https://a, reverse-url:https://a → 8   after, and the answer is 8
//
// It returns nothing if it found no free number, or a number that Lua does not represent exactly
// (above 2⁵³).
var addScript = redis.NewScript(`
local reverse, counter, url = KEYS[1], KEYS[2], ARGV[1]

local known = redis.call('GET', reverse)
if known and known ~= '' then
	local target = redis.call('GET', 'url-target:' .. known)
	if not target then
		redis.call('SET', 'url-target:' .. known, url)
		return known
	end
	if target == url then
		return known
	end
end

local function base36(n)
	local digits, text = '0123456789abcdefghijklmnopqrstuvwxyz', ''
	repeat
		local digit = n % 36
		text = string.sub(digits, digit + 1, digit + 1) .. text
		n = (n - digit) / 36
	until n == 0
	return text
end

local step = 1
for _ = 1, tonumber(ARGV[2]) do
	local n = redis.call('INCRBY', counter, step)
	if n > 9007199254740992 then
		return false
	end
	if n > 0 then
		local id = base36(n)
		local free = redis.call('SETNX', 'url-target:' .. id, url) == 1
		if free or redis.call('GET', 'url-target:' .. id) == url then
			redis.call('SET', reverse, id)
			return id
		end
	end
	step = step * 2
end
return false
`)

// addByScript does what [Links.add] does, by the script, or by separate commands if the script found no id or the
// Redis runs no scripts for this user.
func (l *Links) addByScript(ctx context.Context, url string) (string, error) {
	id, err := addScript.Run(ctx, l.redis, []string{"reverse-url:" + url, "last-url-id"}, url, maxAttempts).Text()
	if err == redis.Nil || redis.HasErrorPrefix(err, "NOPERM") || redis.HasErrorPrefix(err, "unknown command") {
		return l.add(ctx, url)
	}
	return id, l.away(ctx, err)
}
