/** What crosses between the page and the vault's worker: calls one way, answers, progress and events the other. */
export type Call = { readonly signal: AbortSignal; readonly progress: (value: unknown) => void }

// biome-ignore lint/suspicious/noExplicitAny: any handler, whatever it takes and gives
export type Handlers = Readonly<Record<string, (input: any, call: Call) => Promise<unknown>>>

export type CallOptions = { readonly signal?: AbortSignal; readonly progress?: (value: unknown) => void }

/** The page's view of handlers: the same names, each a promise. */
export type Client<H extends Handlers> = {
  readonly [N in keyof H]: (input: Parameters<H[N]>[0], options?: CallOptions) => ReturnType<H[N]>
}

/** An error that crossed: its code and sentence. Nothing else of it does. */
export class RemoteError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'RemoteError'
    this.code = code
  }
}

export type Port = {
  postMessage(message: unknown, transfer?: Transferable[]): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
}

type Request =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly input: unknown }
  | { readonly kind: 'cancel'; readonly id: number }
type Reply =
  | { readonly kind: 'value'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly kind: 'progress'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'event'; readonly event: string; readonly value: unknown }

export type Failure = { readonly code: string; readonly message: string }

/** Answers calls with handlers; returns how to tell the page of something. `told` turns what was thrown into what may be said. */
export function serve(port: Port, handlers: Handlers, told: (error: unknown) => Failure): (event: string, value?: unknown) => void {
  const running = new Map<number, AbortController>()
  const post = (reply: Reply): void => port.postMessage(reply)
  const answer = async ({ id, method, input }: Extract<Request, { kind: 'call' }>): Promise<void> => {
    const control = new AbortController()
    running.set(id, control)
    try {
      const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
      if (!handler) throw new RemoteError('DEFECT', 'The page called something that the vault does not do.')
      const value = await handler(input, { signal: control.signal, progress: p => post({ kind: 'progress', id, value: p }) })
      post({ kind: 'value', id, value })
    } catch (error) {
      post({ kind: 'error', id, ...told(error) })
    } finally {
      running.delete(id)
    }
  }
  port.addEventListener('message', ({ data }: MessageEvent<Request>) => {
    if (data.kind === 'cancel') running.get(data.id)?.abort()
    else void answer(data)
  })
  return (event, value = null) => post({ kind: 'event', event, value })
}

type Waiting = { readonly resolve: (v: unknown) => void; readonly reject: (e: unknown) => void; readonly progress?: (v: unknown) => void }

export type Connection<H extends Handlers> = {
  readonly api: Client<H>
  /** Returns how to stop listening. */
  on(event: string, listener: (value: unknown) => void): () => void
  /** Ends every waiting call, and every later one, with this error. */
  end(error: RemoteError): void
}

export function connect<H extends Handlers>(port: Port): Connection<H> {
  const waiting = new Map<number, Waiting>()
  const listeners = new Map<string, Set<(value: unknown) => void>>()
  let next = 1
  let ended: RemoteError | null = null
  const call = (method: string, input: unknown, { signal, progress }: CallOptions = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      const id = next++
      waiting.set(id, { resolve, reject, ...(progress ? { progress } : {}) })
      signal?.addEventListener('abort', () => port.postMessage({ kind: 'cancel', id } satisfies Request))
      port.postMessage({ kind: 'call', id, method, input } satisfies Request)
    })
  port.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
    if (data.kind === 'event') {
      for (const listener of listeners.get(data.event) ?? []) listener(data.value)
      return
    }
    const w = waiting.get(data.id)
    if (data.kind === 'progress') return w?.progress?.(data.value)
    waiting.delete(data.id)
    if (data.kind === 'value') w?.resolve(data.value)
    else w?.reject(new RemoteError(data.code, data.message))
  })
  return {
    api: new Proxy(
      {},
      { get: (_, method: string) => (input: unknown, options?: CallOptions) => call(method, input, options) },
    ) as Client<H>,
    on(event, listener) {
      const all = listeners.get(event) ?? new Set()
      listeners.set(event, all.add(listener))
      return () => void all.delete(listener)
    },
    end(error) {
      ended = error
      for (const w of waiting.values()) w.reject(error)
      waiting.clear()
    },
  }
}
