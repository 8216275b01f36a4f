-- As `kubectl crossfade undo`: an abort that says how late it is. After the contraction the old version is a new release.

local status = obj.status or {}
local phase, green = status.phase, status.green
if phase == nil or green == nil then
  error("nothing was released yet", 0)
end
if phase == "RollingBack" or phase == "RolledBack" then
  error("it was taken back already", 0)
end

-- The Job after which there is no way back: the contract, or green's migrate in a maintenance window.
local is_window = status.blue ~= nil and status.plan ~= nil and status.plan.verdict == "Blocking"
local is_late = phase == "Complete"
for _, site in ipairs(status.sites or {}) do
  is_late = is_late or site.step == (is_window and "migrate" or "contract")
end
if is_late then
  error("it is too late to go back from revision " .. green.revision .. ": set spec.image to the old version", 0)
end
if status.blue == nil then
  error("this is the first version: there is none before it", 0)
end

obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["crossfade.dev/abort"] = tostring(green.revision)
return obj
