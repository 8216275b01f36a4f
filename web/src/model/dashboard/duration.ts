/** A duration in its two largest units, as `crossfade status` says it. */
export function duration(seconds: number): string {
  const all = Math.max(0, Math.floor(seconds))
  const [days, hours, minutes] = [Math.floor(all / 86_400), Math.floor(all / 3600) % 24, Math.floor(all / 60) % 60]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  if (minutes > 0) return `${minutes} min ${all % 60} s`
  return `${all} s`
}

/** The time since an instant (RFC 3339), '' if there is none. */
export function since(instant: string | null | undefined, now: number): string {
  if (instant === null || instant === undefined || instant === '') return ''
  const at = Date.parse(instant)
  return Number.isNaN(at) ? '' : duration((now - at) / 1000)
}
