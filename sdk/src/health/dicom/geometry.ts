/** Where an image lies in the body and how large its pixels are; absent where the file does not say. */
import type { DataSet } from 'dicom-parser'

/**
 * Millimetres from one pixel to the next, down and across. `detector`: measured where the beam was caught, so what is nearer to the source
 * appears larger than it is (PS3.3 §10.7.1.3).
 */
export type Spacing = { readonly rows: number; readonly columns: number; readonly at: 'patient' | 'detector' }

function numbers(set: DataSet | undefined, tag: string, count: number): number[] | undefined {
  const text = set?.elements[tag] ? set.string(tag) : undefined
  const found = (text ?? '').split('\\').map(Number)
  return found.length === count && (text ?? '').trim() !== '' && found.every(Number.isFinite) ? found : undefined
}

const first = (set: DataSet | undefined, tag: string): DataSet | undefined => set?.elements[tag]?.items?.[0]?.dataSet

/** Enhanced objects keep them once for all frames, or with each frame (PS3.3 §C.7.6.16); the first frame stands for all. */
const grouped = (set: DataSet, group: string): DataSet | undefined =>
  first(first(set, 'x52009229'), group) ?? first(first(set, 'x52009230'), group)

const CENTIMETRES = 3

/** Ultrasound states a scale for each region of the picture; one scale is given only when all regions share it. */
function ultrasound(set: DataSet): Spacing | undefined {
  const scales = (set.elements.x00186011?.items ?? []).map(({ dataSet: region }) => {
    if (region?.uint16('x00186024') !== CENTIMETRES || region.uint16('x00186026') !== CENTIMETRES) return undefined
    const [across, down] = [region.double('x0018602c'), region.double('x0018602e')].map(d => Math.abs(d ?? 0) * 10)
    return across && down ? { rows: down, columns: across, at: 'patient' as const } : undefined
  })
  const [one] = scales
  return one && scales.every(s => s?.rows === one.rows && s.columns === one.columns) ? one : undefined
}

/** A damaged file may state lengths beyond its end, at which the parser throws. */
function whole<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

export const spacingOf = (set: DataSet): Spacing | undefined => whole(() => spacing(set))
/** Distance in millimetres along the direction in which slices are stacked; slices of one series sort by it. */
export const positionOf = (set: DataSet): number | undefined => whole(() => position(set))

function spacing(set: DataSet): Spacing | undefined {
  const inPatient = numbers(set, 'x00280030', 2) ?? numbers(grouped(set, 'x00289110'), 'x00280030', 2)
  const found = inPatient ?? numbers(set, 'x00181164', 2)
  const [rows = 0, columns = 0] = found ?? []
  if (!(rows > 0 && columns > 0)) return ultrasound(set)
  return { rows, columns, at: inPatient ? 'patient' : 'detector' }
}

function position(set: DataSet): number | undefined {
  const place = numbers(set, 'x00200032', 3) ?? numbers(grouped(set, 'x00209113'), 'x00200032', 3)
  const axes = numbers(set, 'x00200037', 6) ?? numbers(grouped(set, 'x00209116'), 'x00200037', 6)
  if (!place || !axes) return undefined
  const [x, y, z] = place as [number, number, number]
  const [a, b, c, d, e, f] = axes as [number, number, number, number, number, number]
  return (b * f - c * e) * x + (c * d - a * f) * y + (a * e - b * d) * z
}
