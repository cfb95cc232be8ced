import { useEffect, useRef } from 'react'

const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'scroll'] as const
const LOOK = 5000

/** Tells of a sign of the person, at most every few seconds. */
export function useSigns(seen: () => void): void {
  useEffect(() => {
    let last = 0
    const sign = (): void => {
      if (Math.abs(Date.now() - last) < LOOK) return
      last = Date.now()
      seen()
    }
    const end = new AbortController()
    for (const name of SIGNS) window.addEventListener(name, sign, { passive: true, capture: true, signal: end.signal })
    return () => end.abort()
  }, [seen])
}

/** Calls `idle` after so many minutes without a sign of the person, time asleep included. */
export function useIdle(minutes: number, idle: () => void): void {
  const latest = useRef(idle)
  latest.current = idle
  useEffect(() => {
    let last = Date.now()
    const sign = (): void => {
      // A laptop that wakes up sees the person before the timer looks.
      if (Date.now() - last > minutes * 60_000) latest.current()
      else last = Date.now()
    }
    const timer = setInterval(() => {
      if (Date.now() - last > minutes * 60_000) latest.current()
    }, LOOK)
    for (const name of SIGNS) window.addEventListener(name, sign, { passive: true, capture: true })
    return () => {
      clearInterval(timer)
      for (const name of SIGNS) window.removeEventListener(name, sign, { capture: true })
    }
  }, [minutes])
}
