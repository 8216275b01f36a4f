-- As `kubectl crossfade approve`, for what the status says is waited for: the plan by its hash, everything else by the
-- number of green's revision. A maintenance window shuts users out and is never approved by a button.

local status = obj.status or {}
local annotations = obj.metadata.annotations or {}
local said = {}

local function approval_required()
  for _, condition in ipairs(status.conditions or {}) do
    if condition.type == "Stalled" and condition.status == "True" then
      return condition.reason == "ApprovalRequired"
    end
  end
  return false
end

-- The step that an app stands at.
local function step_of(app)
  for _, known in ipairs(obj.spec.traffic.apps) do
    if known.name == app.name then
      return known.steps[app.step] or {}
    end
  end
  return {}
end

if status.phase == "Planning" and approval_required() then
  said["crossfade.dev/approve-plan"] = status.plan.hash
elseif status.phase == "Contracting" and approval_required() then
  said["crossfade.dev/approve-contract"] = tostring(status.green.revision)
elseif status.phase == "Shifting" then
  local revision = tostring(status.green.revision)
  local promote = (obj.spec.approvals or {}).promote
  local is_promoted = promote == nil or promote.approved == revision
    or annotations["crossfade.dev/approve-promote"] == revision
  if not is_promoted then
    said["crossfade.dev/approve-promote"] = revision
  else
    for _, app in ipairs(status.apps or {}) do
      local step = step_of(app)
      if app.waiting ~= nil and step.approve ~= nil then
        said["step.crossfade.dev/" .. step.approve] = revision
      end
    end
  end
end

if next(said) == nil then
  error("nothing waits for an approval", 0)
end
for name, value in pairs(said) do
  annotations[name] = value
end
obj.metadata.annotations = annotations
return obj
