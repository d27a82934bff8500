-- One verification of a cached record a request, from the bodies that wrk.sh wrote, in turn.
-- The token comes by the environment, so that it is on no command line.
local bodies = {}
for line in io.lines(os.getenv("WRK_BODIES")) do
  bodies[#bodies + 1] = line
end
local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. os.getenv("WRK_TOKEN") }
local at = 0

function request()
  at = at % #bodies + 1
  return wrk.format("POST", "/v1/verifications", headers, bodies[at])
end

function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %.6f %.1f %.1f %.1f %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), bad))
end
