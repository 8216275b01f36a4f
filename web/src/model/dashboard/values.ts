import type { AnalysisView, Measurement } from '../../api/schema'

/** The measurements of each analysis by its key. The status keeps the last few: the page keeps what it saw. */
export type Values = ReadonlyMap<string, readonly Measurement[]>

/** Measurements that are kept of one analysis. */
const MOST = 500

/** What makes an analysis another one. */
export function analysisKey({ name, place, since }: AnalysisView): string {
  return JSON.stringify([name, place, since])
}

/** The measurements after what was seen now; those of other releases are forgotten. */
export function measured(before: Values, analyses: readonly AnalysisView[]): Values {
  return new Map(
    analyses.map((run) => {
      const key = analysisKey(run)
      const all = new Map((before.get(key) ?? []).map((one) => [one.number, one]))
      for (const one of run.measurements) all.set(one.number, one)
      return [key, [...all.values()].sort((a, b) => a.number - b.number).slice(-MOST)]
    }),
  )
}

/** A measurement as a point: x is its place among the others, y its value; both from 0 to 1. */
export interface Point {
  readonly x: number
  readonly y: number
  readonly measurement: Measurement
}

/** The number that a value begins with; what is no number has no point. */
export function numberOf(value: string): number | null {
  const found = /^-?\d+(\.\d+)?(e[+-]?\d+)?/i.exec(value.trim())
  return found === null ? null : Number(found[0])
}

/** The curve of values, and its least and greatest. */
export function curve(measurements: readonly Measurement[]): { points: Point[]; least: number; greatest: number } {
  const known = measurements.flatMap((measurement, index) => {
    const value = numberOf(measurement.value)
    return value === null ? [] : [{ index, value, measurement }]
  })
  const values = known.map(({ value }) => value)
  const [least, greatest] = known.length === 0 ? [0, 0] : [Math.min(0, ...values), Math.max(...values)]
  const last = Math.max(1, measurements.length - 1)
  const points = known.map(({ index, value, measurement }) => ({
    x: index / last,
    y: greatest === least ? 0 : (value - least) / (greatest - least),
    measurement,
  }))
  return { points, least, greatest }
}
