import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import type { LoadFile, Slice } from './slices.ts'
import { NotDrawn, type Refused } from './source.ts'
import { type Look, openStack, type Shown, type Stack } from './stack.ts'

export type Picture =
  | { readonly state: 'loading'; readonly shown: Shown | null }
  | { readonly state: 'shown'; readonly shown: Shown }
  | { readonly state: 'refused'; readonly why: Refused; readonly shown: null }
  | { readonly state: 'failed'; readonly error: unknown; readonly shown: null }

export type Viewing = {
  readonly index: number
  readonly count: number
  readonly picture: Picture
  readonly look: Look | null
  /** Counts drawings, so that what lies over the picture is drawn anew. */
  readonly drawn: number
  readonly stack: RefObject<Stack | null>
  readonly go: (index: number) => void
  readonly retry: () => void
}

/** Opens a stack in `element` while the component is there; with it goes everything that was unpacked. */
export function useStack(element: RefObject<HTMLDivElement | null>, slices: readonly Slice[], load: LoadFile): Viewing {
  const stack = useRef<Stack | null>(null)
  const [index, setIndex] = useState(0)
  const [picture, setPicture] = useState<Picture>({ state: 'loading', shown: null })
  const [drawn, setDrawn] = useState(0)
  const [look, setLook] = useState<Look | null>(null)
  const loading = useRef(load)
  loading.current = load
  const at = useRef(0)
  const show = useCallback((next: number): void => {
    const open = stack.current
    if (!open) return
    at.current = next
    setIndex(next)
    setPicture(p => ({ state: 'loading', shown: p.shown }))
    open.show(next).then(
      shown => {
        if (shown && stack.current === open) setPicture({ state: 'shown', shown })
      },
      error => {
        if (at.current !== next || stack.current !== open) return
        setPicture(error instanceof NotDrawn ? { state: 'refused', why: error.why, shown: null } : { state: 'failed', error, shown: null })
      },
    )
  }, [])
  useEffect(() => {
    const box = element.current
    if (!box || !slices.length) return
    const open = openStack(
      box,
      slices,
      file => loading.current(file),
      () => {
        setDrawn(n => n + 1)
        setLook(open.look())
      },
    )
    stack.current = open
    const sizes = new ResizeObserver(() => open.resize())
    sizes.observe(box)
    show(Math.min(at.current, slices.length - 1))
    return () => {
      sizes.disconnect()
      stack.current = null
      open.close()
    }
  }, [element, slices, show])
  const go = useCallback((next: number) => show(Math.min(slices.length - 1, Math.max(0, next))), [show, slices])
  const retry = useCallback(() => show(at.current), [show])
  return { index, count: slices.length, picture, look, drawn, stack, go, retry }
}
