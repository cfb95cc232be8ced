import { useCallback, useEffect, useRef, useState } from 'react'

export type Doing<A extends readonly unknown[]> = {
  readonly busy: boolean
  readonly error: unknown
  readonly run: (...args: A) => void
  readonly clear: () => void
}

/** Runs something once at a time and remembers how it failed. */
export function useDo<A extends readonly unknown[]>(work: (...args: A) => Promise<unknown>): Doing<A> {
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null })
  const here = useRef(true)
  const latest = useRef(work)
  latest.current = work
  useEffect(() => {
    here.current = true
    return () => {
      here.current = false
    }
  }, [])
  const run = useCallback((...args: A) => {
    setState({ busy: true, error: null })
    latest.current(...args).then(
      () => here.current && setState({ busy: false, error: null }),
      error => here.current && setState({ busy: false, error }),
    )
  }, [])
  return { ...state, run, clear: () => setState({ busy: false, error: null }) }
}
