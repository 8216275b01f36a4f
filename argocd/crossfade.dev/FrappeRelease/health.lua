-- A FrappeRelease follows kstatus: status.observedGeneration and the conditions Ready, Reconciling and Stalled.

local status = obj.status
if status == nil or status.observedGeneration == nil or status.observedGeneration < obj.metadata.generation then
  return { status = "Progressing", message = "waiting for the operator to see this manifest" }
end

-- The condition of a type, if it is true.
local function holds(kind)
  for _, condition in ipairs(status.conditions or {}) do
    if condition.type == kind and condition.status == "True" then
      return condition
    end
  end
end

local health = "Progressing"
local stalled, reconciling = holds("Stalled"), holds("Reconciling")
if stalled ~= nil then
  local waits = stalled.reason == "ApprovalRequired" or stalled.reason == "PromotionRequired"
  health = waits and "Suspended" or "Degraded"
elseif reconciling ~= nil then
  if reconciling.reason == "Paused" then
    health = "Suspended"
  end
elseif holds("Ready") ~= nil then
  health = "Healthy"
end
return { status = health, message = status.message }
