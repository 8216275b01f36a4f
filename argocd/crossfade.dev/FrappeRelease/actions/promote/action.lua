-- As `kubectl crossfade promote`: every app that stands at a pause without an end goes on from the step that was seen.

local status = obj.status or {}
local annotations = obj.metadata.annotations or {}
local said = {}

-- The step that an app stands at.
local function step_of(app)
  for _, known in ipairs(obj.spec.traffic.apps) do
    if known.name == app.name then
      return known.steps[app.step] or {}
    end
  end
  return {}
end

for _, app in ipairs(status.apps or {}) do
  local pause = step_of(app).pause
  if app.waiting ~= nil and pause ~= nil and pause.seconds == nil then
    -- `*` cannot be part of an annotation's name.
    local name = app.name == "*" and "everything-else" or app.name
    said["promote.crossfade.dev/" .. name] = status.green.revision .. "/" .. app.step
  end
end

if next(said) == nil then
  error("no app stands at a pause without an end", 0)
end
for name, value in pairs(said) do
  annotations[name] = value
end
obj.metadata.annotations = annotations
return obj
