import { useCallback, useEffect, useRef, useState } from 'react'
import { useVault } from './context.tsx'

export type Asked<T> = {
  readonly value: T | undefined
  readonly error: unknown
  readonly loading: boolean
  /** Asks again; ends when the answer is shown. What is done with what is shown waits for it, or the next press acts on what was. */
  readonly again: () => Promise<void>
}

type State<T> = { readonly value: T | undefined; readonly error: unknown; readonly loading: boolean }

/** Asks the vault, and asks again when one of `events` says so; meanwhile the last answer stays. */
export function useAsk<T>(ask: () => Promise<T>, deps: readonly unknown[], events: readonly string[] = []): Asked<T> {
  const { on } = useVault()
  const [state, setState] = useState<State<T>>({
    value: undefined,
    error: null,
    loading: true,
  })
  /** The last question asked, and the last one whose answer still counts for nothing. */
  const turn = useRef({ asked: 0, settled: 0 })
  const latest = useRef(ask)
  latest.current = ask
  const again = useCallback((): Promise<void> => {
    const mine = ++turn.current.asked
    // An answer is taken unless a later question was answered before it, or the question itself has changed.
    const take = (next: (s: State<T>) => State<T>): void => {
      if (mine <= turn.current.settled) return
      turn.current.settled = mine
      setState(s => ({ ...next(s), loading: mine < turn.current.asked }))
    }
    setState(s => ({ ...s, loading: true }))
    return latest.current().then(
      value => take(s => ({ ...s, value, error: null })),
      error => take(s => ({ ...s, error })),
    )
  }, [])
  useEffect(() => {
    void again()
    return () => {
      turn.current.settled = turn.current.asked
    }
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
