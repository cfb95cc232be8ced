import { useCallback, useRef, useState } from 'react'
import { type Measure, type MeasureKind, POINTS } from './measure.ts'
import type { Point } from './slices.ts'

export type Draft = { readonly kind: MeasureKind; readonly points: readonly Point[]; readonly mark: Point | null }

export type Measures = {
  /** Of the picture shown. */
  readonly done: readonly Measure[]
  readonly draft: Draft | null
  readonly begin: (kind: MeasureKind, mark: Point | null) => void
  readonly mark: (at: Point) => void
  /** Sets a point; the last one completes the measurement and begins the next of its kind. */
  readonly set: (at: Point) => void
  readonly stop: () => void
  readonly remove: (id: number) => void
}

/** Measurements by picture, kept while the viewer is open. They are the reader's, not the record's: nothing is stored. */
export function useMeasures(index: number): Measures {
  const [all, setAll] = useState<ReadonlyMap<number, readonly Measure[]>>(new Map())
  const [draft, setDraft] = useState<Draft | null>(null)
  const now = useRef(draft)
  now.current = draft
  const ids = useRef(1)
  const change = useCallback((next: Draft | null): void => {
    now.current = next
    setDraft(next)
  }, [])
  const set = useCallback(
    (at: Point) => {
      const old = now.current
      if (!old) return
      const points = [...old.points, at]
      if (points.length < POINTS[old.kind]) {
        change({ ...old, points, mark: at })
        return
      }
      const made: Measure = { id: ids.current++, kind: old.kind, points }
      setAll(a => new Map(a).set(index, [...(a.get(index) ?? []), made]))
      change({ kind: old.kind, points: [], mark: at })
    },
    [index, change],
  )
  return {
    done: all.get(index) ?? [],
    draft,
    begin: useCallback((kind, mark) => change({ kind, points: [], mark }), [change]),
    mark: useCallback(at => now.current && change({ ...now.current, mark: at }), [change]),
    set,
    stop: useCallback(() => change(null), [change]),
    remove: useCallback(
      id =>
        setAll(a =>
          new Map(a).set(
            index,
            (a.get(index) ?? []).filter(m => m.id !== id),
          ),
        ),
      [index],
    ),
  }
}
