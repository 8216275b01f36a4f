-- As `kubectl crossfade abort`: green's revision is taken back, as long as there is a way back.

local status = obj.status or {}
local phase, green = status.phase, status.green
if phase == nil or green == nil or phase == "Complete" or phase == "RolledBack" then
  error("no release is going on", 0)
end
if phase == "RollingBack" then
  error("it goes back to blue already", 0)
end

-- The Job after which there is no way back: the contract, or green's migrate in a maintenance window.
local is_window = status.blue ~= nil and status.plan ~= nil and status.plan.verdict == "Blocking"
for _, site in ipairs(status.sites or {}) do
  if site.step == (is_window and "migrate" or "contract") then
    error("there is no way back: " .. site.step .. " of revision " .. green.revision .. " has begun", 0)
  end
end

obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["crossfade.dev/abort"] = tostring(green.revision)
return obj
