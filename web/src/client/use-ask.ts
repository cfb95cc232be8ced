import { useCallback, useEffect, useRef, useState } from 'react'
import { useVault } from './context.tsx'

export type Asked<T> = {
  readonly value: T | undefined
  readonly error: unknown
  readonly loading: boolean
  readonly again: () => void
}

/** Asks the vault, and asks again when one of `events` says so; meanwhile the last answer stays. */
export function useAsk<T>(ask: () => Promise<T>, deps: readonly unknown[], events: readonly string[] = []): Asked<T> {
  const { on } = useVault()
  const [state, setState] = useState<{ value: T | undefined; error: unknown; loading: boolean }>({
    value: undefined,
    error: null,
    loading: true,
  })
  const turn = useRef(0)
  const latest = useRef(ask)
  latest.current = ask
  const again = useCallback(() => {
    const mine = ++turn.current
    setState(s => ({ ...s, loading: true }))
    latest.current().then(
      value => mine === turn.current && setState({ value, error: null, loading: false }),
      error => mine === turn.current && setState(s => ({ ...s, error, loading: false })),
    )
  }, [])
  useEffect(() => {
    again()
    return () => void turn.current++
    // biome-ignore lint/correctness/useExhaustiveDependencies: the caller says what the question depends on
  }, deps)
  const heard = events.join(' ')
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    // An import speaks up often; one answer for many words is enough.
    const soon = (): void => {
      clearTimeout(timer)
      timer = setTimeout(again, 250)
    }
    const stops = heard
      .split(' ')
      .filter(Boolean)
      .map(event => on(event, soon))
    return () => {
      clearTimeout(timer)
      for (const stop of stops) stop()
    }
  }, [heard, on, again])
  return { ...state, again }
}
