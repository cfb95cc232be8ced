import { useCallback, useEffect, useState } from 'react'

type Cine = { readonly index: number; readonly count: number; readonly milliseconds: number }

/** Plays frames in a circle, each after the one before has been shown. */
export function useCine(go: (index: number) => void, { index, count, milliseconds }: Cine) {
  const [on, setOn] = useState(false)
  useEffect(() => {
    if (!on || count < 2) return
    const timer = setTimeout(() => go((index + 1) % count), Math.min(2000, Math.max(33, milliseconds)))
    return () => clearTimeout(timer)
  }, [on, go, index, count, milliseconds])
  return { on, toggle: useCallback(() => setOn(o => !o), []) }
}

/** The whole screen where the browser gives it; else the viewer fills the window. */
export function useFull(frame: { readonly current: HTMLElement | null }) {
  const [on, setOn] = useState(false)
  useEffect(() => {
    const changed = (): void => setOn(document.fullscreenElement === frame.current)
    document.addEventListener('fullscreenchange', changed)
    return () => document.removeEventListener('fullscreenchange', changed)
  }, [frame])
  const toggle = useCallback(() => {
    const box = frame.current
    if (document.fullscreenElement) void document.exitFullscreen()
    else if (box?.requestFullscreen) box.requestFullscreen().catch(() => {})
  }, [frame])
  return { on, toggle }
}
