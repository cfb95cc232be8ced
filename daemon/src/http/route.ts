import type { IncomingHttpHeaders } from 'node:http'
import { KeepwellError } from '@keepwell/sdk/base/error'

/** What a handler sees of a request. Bodies are read once, within a limit in bytes, TOO_LARGE beyond. */
export type HttpRequest = {
  readonly method: string
  /** The path and query as they were asked. */
  readonly target: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** Where the connection comes from, coarse enough to be a rate-limit key; never to be logged. */
  readonly remote: string
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  /** Aborts when the server stops: an answer without end should end now, all others may finish. */
  readonly stopping: AbortSignal
  body(max: number): Promise<Uint8Array>
  stream(max: number): AsyncIterable<Uint8Array>
  /** As `stream`, for a handler that passes each chunk on before it takes the next, when its bytes are gone: the body may be larger than the memory. */
  flow(max: number): AsyncIterable<Uint8Array>
}

export type HttpAnswer = {
  readonly status?: number
  readonly type: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Uint8Array | string | AsyncIterable<Uint8Array>
  /** From its abort on no more of `body` may be said: an answer in pieces is broken off. Its reason is told to the log. */
  readonly until?: AbortSignal
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export type HttpRoute = {
  /** Short and fixed: the only thing of the path that logs and metrics hold. */
  readonly name: string
  readonly method: HttpMethod
  readonly path: string
  /** Any page may ask, whatever its origin: for what is public to those who know its name. */
  readonly anyOrigin?: true
  /** Media types, one of which a body must bear. */
  readonly accepts?: string | readonly string[]
  handle(request: HttpRequest): Promise<HttpAnswer> | HttpAnswer
}

type Compiled = { readonly route: HttpRoute; readonly pattern: RegExp; readonly names: readonly string[] }
export type Match = { readonly route: HttpRoute; readonly params: Record<string, string> }

export type Router = {
  /** Throws NO_ROUTE or BAD_METHOD (the methods that would do are in `allowed`). */
  match(method: string, path: string): Match
  /** Whether a path is for pages of any origin. */
  anyOrigin(path: string): boolean
  /** Methods served at a path, for `Allow`. */
  allowed(path: string): string[]
}

/** Finds routes; literal paths come before those with parameters. */
export function router(routes: readonly HttpRoute[]): Router {
  const compiled = routes.map(compile).sort((a, b) => a.names.length - b.names.length)
  const open = compiled.filter(c => c.route.anyOrigin)
  // No parameter holds a slash, so that most of some hundred patterns need not be tried.
  const byDepth = Map.groupBy(compiled, c => depthOf(c.route.path))
  const at = (path: string) => (byDepth.get(depthOf(path)) ?? []).filter(c => c.pattern.test(path))
  return {
    match(method, path) {
      const here = at(path)
      if (!here.length) throw new KeepwellError('NO_ROUTE', 'There is nothing at that path.')
      const found = here.find(c => c.route.method === (method === 'HEAD' ? 'GET' : method))
      if (!found) throw new KeepwellError('BAD_METHOD', 'That path is not for this method.')
      return { route: found.route, params: paramsOf(found, path) }
    },
    anyOrigin: path => open.some(c => c.pattern.test(path)),
    allowed: path => [...new Set(at(path).flatMap(c => (c.route.method === 'GET' ? ['GET', 'HEAD'] : [c.route.method])))],
  }
}

const depthOf = (path: string): number => path.split('/').length

function compile(route: HttpRoute): Compiled {
  const names: string[] = []
  const source = route.path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)\}/g, (_, name: string) => {
    names.push(name)
    return '([^/]{1,200})'
  })
  return { route, pattern: new RegExp(`^${source}$`), names }
}

function paramsOf({ pattern, names }: Compiled, path: string): Record<string, string> {
  const values = pattern.exec(path)!.slice(1)
  try {
    return Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(values[i]!)]))
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The path has a malformed escape.', { cause })
  }
}
