import { useEffect, useRef, useState } from 'react'
import type { CallOptions } from '#rpc/rpc.ts'

export type Job<P, T> = {
  readonly state: 'idle' | 'running' | 'done' | 'failed' | 'stopped'
  readonly progress: P | null
  readonly result: T | null
  readonly error: unknown
  readonly start: () => void
  readonly stop: () => void
}

type State<P, T> = Omit<Job<P, T>, 'start' | 'stop'>

/** Long work in the vault: how far it is, how it ended, and how to call it off. It is called off with the screen, too. */
export function useJob<P, T>(work: (options: CallOptions) => Promise<T>): Job<P, T> {
  const idle: State<P, T> = { state: 'idle', progress: null, result: null, error: null }
  const [state, setState] = useState(idle)
  const control = useRef<AbortController | null>(null)
  const latest = useRef(work)
  latest.current = work
  useEffect(() => () => control.current?.abort(), [])
  const start = (): void => {
    const mine = new AbortController()
    control.current = mine
    setState({ ...idle, state: 'running' })
    const progress = (value: unknown): void => {
      if (!mine.signal.aborted) setState(s => ({ ...s, progress: value as P }))
    }
    latest.current({ signal: mine.signal, progress }).then(
      result => setState(s => ({ ...s, state: 'done', result })),
      error => {
        const stopped = mine.signal.aborted || (error as { code?: unknown }).code === 'CANCELLED'
        setState(s => ({ ...s, state: stopped ? 'stopped' : 'failed', error }))
      },
    )
  }
  return { ...state, start, stop: () => control.current?.abort() }
}
