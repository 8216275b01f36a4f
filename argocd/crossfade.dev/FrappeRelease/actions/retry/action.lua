-- As `kubectl crossfade retry`: failed Jobs, an analysis without a verdict and what was taken back are tried again.

local os = require("os")

local helps = { JobFailed = true, AnalysisInconclusive = true, NoWayBack = true, RolledBack = true }
local is_asked = false
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Stalled" and condition.status == "True" then
    is_asked = helps[condition.reason] or false
  end
end
if not is_asked then
  error("nothing has failed that could be tried again", 0)
end

-- Any new value lets it try again.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["crossfade.dev/retry"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
