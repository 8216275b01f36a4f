-- As `kubectl crossfade pause`.

if obj.spec.paused then
  error("it is paused already", 0)
end
local status = obj.status or {}
local is_settled = status.phase == "Complete" or status.phase == "RolledBack"
if is_settled and status.observedGeneration == obj.metadata.generation then
  error("no release is going on: it is " .. status.phase, 0)
end
obj.spec.paused = true
return obj
