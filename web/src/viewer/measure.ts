import type { Spacing } from '@keepwell/sdk/health/dicom/geometry'
import type { Point } from './slices.ts'

export type MeasureKind = 'length' | 'angle' | 'ellipse'
export type Measure = { readonly id: number; readonly kind: MeasureKind; readonly points: readonly Point[] }

/** Points that make a measurement; an ellipse lies in the box between two corners. */
export const POINTS: Readonly<Record<MeasureKind, number>> = { length: 2, angle: 3, ellipse: 2 }

/** Lengths are in millimetres where the file states a scale, else in pixels. */
export type Measured =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'angle'; readonly degrees: number }
  | { readonly kind: 'ellipse'; readonly area: number; readonly mean: number | null; readonly deviation: number | null }

type Grid = { readonly spacing: Spacing | undefined; readonly columns: number; readonly values: ArrayLike<number> | null }

/** @returns what a measurement says, or null while points are missing. */
export function measured({ kind, points }: Pick<Measure, 'kind' | 'points'>, { spacing, columns, values }: Grid): Measured | null {
  const [a, b, c] = points
  if (!a || !b) return null
  const across = spacing?.columns ?? 1
  const down = spacing?.rows ?? 1
  const between = (p: Point, q: Point): Point => [(q[0] - p[0]) * across, (q[1] - p[1]) * down]
  if (kind === 'length') return { kind, length: Math.hypot(...between(a, b)) }
  if (kind === 'ellipse') {
    const [width, height] = between(a, b)
    return { kind, area: (Math.PI * Math.abs(width * height)) / 4, ...statistics(a, b, columns, values) }
  }
  if (!c) return null
  const [first, second] = [between(b, a), between(b, c)]
  const turn = Math.abs(Math.atan2(first[1], first[0]) - Math.atan2(second[1], second[0])) * (180 / Math.PI)
  return { kind, degrees: turn > 180 ? 360 - turn : turn }
}

/** Mean and standard deviation of the values whose centres lie within the ellipse. */
function statistics([x1, y1]: Point, [x2, y2]: Point, columns: number, values: ArrayLike<number> | null) {
  const none = { mean: null, deviation: null }
  if (!values || !columns) return none
  const [cx, cy, rx, ry] = [(x1 + x2) / 2, (y1 + y2) / 2, Math.abs(x2 - x1) / 2, Math.abs(y2 - y1) / 2]
  const rows = Math.floor(values.length / columns)
  let count = 0
  let sum = 0
  let squares = 0
  for (let y = Math.max(0, Math.ceil(cy - ry)); y <= Math.min(rows - 1, Math.floor(cy + ry)); y++)
    for (let x = Math.max(0, Math.ceil(cx - rx)); x <= Math.min(columns - 1, Math.floor(cx + rx)); x++) {
      if (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 > 1) continue
      const value = values[y * columns + x]!
      count++
      sum += value
      squares += value * value
    }
  if (!count) return none
  const mean = sum / count
  return { mean, deviation: Math.sqrt(Math.max(0, squares / count - mean * mean)) }
}
