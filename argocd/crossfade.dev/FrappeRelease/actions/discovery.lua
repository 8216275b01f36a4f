-- Which actions make sense. Each action refuses by itself as well; e2e/gitops holds that both agree in every state.

local status = obj.status or {}
local phase, green = status.phase, status.green
local is_seen = status.observedGeneration == obj.metadata.generation
local is_settled = phase == "Complete" or phase == "RolledBack"
local is_forward = phase ~= nil and green ~= nil and not is_settled and phase ~= "RollingBack"

-- Why nothing goes on without a human.
local halt = ""
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Stalled" and condition.status == "True" then
    halt = condition.reason
  end
end

-- What apps wait for.
local waits_for_step, waits_for_promotion = false, false
for _, app in ipairs(status.apps or {}) do
  for _, known in ipairs(obj.spec.traffic.apps) do
    local step = known.steps[app.step]
    if app.waiting ~= nil and known.name == app.name and step ~= nil then
      waits_for_step = waits_for_step or step.approve ~= nil
      waits_for_promotion = waits_for_promotion or step.pause ~= nil
    end
  end
end

-- The first traffic may be approved as soon as green is ready.
local waits_for_traffic = false
local promote = (obj.spec.approvals or {}).promote
if phase == "Shifting" and promote ~= nil then
  local revision = tostring(green.revision)
  local said = (obj.metadata.annotations or {})["crossfade.dev/approve-promote"]
  waits_for_traffic = promote.approved ~= revision and said ~= revision
end

-- The Job after which there is no way back: the contract, or green's migrate in a maintenance window.
local is_window = status.blue ~= nil and status.plan ~= nil and status.plan.verdict == "Blocking"
local has_way_back = is_forward
for _, site in ipairs(status.sites or {}) do
  has_way_back = has_way_back and site.step ~= (is_window and "migrate" or "contract")
end

local can_retry = halt == "JobFailed" or halt == "AnalysisInconclusive" or halt == "NoWayBack" or halt == "RolledBack"

return {
  approve = { disabled = not (halt == "ApprovalRequired" or waits_for_step or waits_for_traffic) },
  promote = { disabled = not waits_for_promotion },
  pause = { disabled = obj.spec.paused or (is_seen and is_settled) },
  resume = { disabled = not obj.spec.paused },
  abort = { disabled = not has_way_back },
  retry = { disabled = not can_retry },
  undo = { disabled = not has_way_back or status.blue == nil },
}
