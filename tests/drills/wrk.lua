-- One request from the bodies that the drill wrote, in turn. Requests are made before the run: the client's own work is no
-- part of what is measured.
-- The token comes by the environment, so that it is on no command line.
local requests = {}
local at = 0

function init(args)
  local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. os.getenv("WRK_TOKEN") }
  local path = os.getenv("WRK_PATH")
  for line in io.lines(os.getenv("WRK_BODIES")) do
    requests[#requests + 1] = wrk.format("POST", path, headers, line)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %.6f %.1f %.1f %.1f %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), bad))
end
