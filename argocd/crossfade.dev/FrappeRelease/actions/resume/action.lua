-- As `kubectl crossfade resume`.

if not obj.spec.paused then
  error("it is not paused", 0)
end
obj.spec.paused = false
return obj
