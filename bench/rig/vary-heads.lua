-- Each request has a target and two header lines of its own, as the requests of many programs behind one proxy have.
local path
local count = 0

function init()
  path = wrk.path
end

function request()
  count = count + 1
  wrk.headers["X-Trace-Id"] = string.format("%016x", count * 2654435761 % 2 ^ 48)
  wrk.headers["Authorization"] = "Bearer " .. string.format("%032x", count)
  return wrk.format("GET", path .. "?page=" .. count)
end
