import { createHash } from 'node:crypto';

/**
 * What `Limiter` does, in one atomic step on the server, by the server's clock, so that agents need not agree on the time.
 * KEYS: rate, quota. ARGV: `take` or `refund`; limit, period and longest delay of the rate (limit -1: none); limit and
 * period of the quota (limit -1: none). Times are milliseconds.
 */
export const TAKE_SCRIPT = `
local op = ARGV[1]
local rate = { limit = tonumber(ARGV[2]), period = tonumber(ARGV[3]), delay = tonumber(ARGV[4]) }
local quota = { limit = tonumber(ARGV[5]), period = tonumber(ARGV[6]) }
local SLOTS = 64
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000

local level
if rate.limit >= 0 then
  local kept = redis.call('HMGET', KEYS[1], 'used', 'at', 'over')
  level = { used = tonumber(kept[1] or 0), at = tonumber(kept[2] or now), over = tonumber(kept[3] or 0) }
  if level.at > now then level.at = now end
  level.used = math.max(0, level.used - (now - level.at) * math.max(rate.limit, level.over) / rate.period)
  local most = rate.limit + rate.delay * rate.limit / rate.period + 1e-9
  if level.used > most then level.over = math.max(level.over, level.used) else level.over = 0 end
end
local window
if quota.limit >= 0 then
  local kept = redis.call('GET', KEYS[2])
  window = kept and cjson.decode(kept) or { keep = quota.period, slots = {} }
  if quota.period > window.keep then window.keep = quota.period end
end

local function save()
  if level then
    redis.call('HSET', KEYS[1], 'used', string.format('%.9f', level.used), 'at', string.format('%.3f', now),
      'over', string.format('%.9f', level.over))
    redis.call('PEXPIRE', KEYS[1], math.ceil(2 * rate.period + rate.delay))
  end
  if window then
    redis.call('SET', KEYS[2], cjson.encode(window), 'PX', math.ceil(window.keep) + 1)
  end
end

if op == 'refund' then
  if level then level.used = math.max(0, level.used - 1) end
  if window then
    for at = #window.slots, 1, -1 do
      if window.slots[at][3] > 0 then
        window.slots[at][3] = window.slots[at][3] - 1
        break
      end
    end
  end
  save()
  return { 'refunded' }
end

local delay = 0
if level then
  local short = level.used + 1 - rate.limit
  if short > 1e-9 then
    delay = rate.limit == 0 and rate.period or short * rate.period / rate.limit
    if rate.limit == 0 or delay > rate.delay then
      local wait = rate.period
      if rate.limit > 0 and level.over == 0 then wait = short * rate.period / rate.limit end
      if rate.limit > 0 and level.over > 0 then
        wait = (math.max(0, level.used - rate.limit) / level.over + 1 / rate.limit) * rate.period
      end
      return { 'rate', math.max(1, math.ceil(wait)) }
    end
  end
end
local used = 0
if window then
  local slots = {}
  for _, slot in ipairs(window.slots) do
    if slot[2] + window.keep > now then slots[#slots + 1] = slot end
    if slot[2] + quota.period > now then used = used + slot[3] end
  end
  window.slots = slots
  if used + 1 > quota.limit then
    local left = used
    for _, slot in ipairs(slots) do
      if slot[2] + quota.period > now then
        left = left - slot[3]
        if left + 1 <= quota.limit then return { 'quota', math.max(1, math.ceil(slot[2] + quota.period - now)) } end
      end
    end
    return { 'quota', quota.period }
  end
end

if level then level.used = level.used + 1 end
if window then
  local slots = window.slots
  local newest = slots[#slots]
  local stamp = math.ceil(now)
  if newest and now - newest[1] < quota.period / SLOTS then
    newest[2] = stamp
    newest[3] = newest[3] + 1
  else
    slots[#slots + 1] = { stamp, stamp, 1 }
    if #slots > 2 * SLOTS then
      slots[2] = { slots[1][1], slots[2][2], slots[1][3] + slots[2][3] }
      table.remove(slots, 1)
    end
  end
end
save()
local rateLeft = level and math.max(0, math.floor(rate.limit - level.used + 1e-9)) or -1
local quotaLeft = window and quota.limit - used - 1 or -1
return { 'allowed', math.ceil(delay), rateLeft, quotaLeft }
`;

export const TAKE_SHA1 = createHash('sha1').update(TAKE_SCRIPT).digest('hex');
