import { KeepwellError } from '@keepwell/sdk/base/error'
import { refusal } from '@keepwell/sdk/ports/ledger-checks'
import type { Hex } from 'viem'

/** EIP-1193: one JSON-RPC call of an Ethereum node, wherever it runs. Rejects with `code`, `message` and perhaps `data`. */
export type Request = (call: { method: string; params?: readonly unknown[] }) => Promise<unknown>

/** An answer of the node that is an error: it was reached and refused. */
export class NodeError extends Error {
  readonly code: number
  /** What a contract reverted with. */
  readonly data: Hex | undefined
  constructor(code: number, message: string, data: Hex | undefined) {
    super(message)
    this.name = 'NodeError'
    this.code = code
    this.data = data
  }
}

/** Codes by which a node says that it cannot answer anybody now: resource unavailable (EIP-1474), disconnected (EIP-1193). */
const AWAY = new Set([-32002, 4900, 4901])
const MAX_ANSWER_BYTES = 64 << 20

const unreachable = (cause?: unknown) =>
  new KeepwellError('RELAY_UNREACHABLE', 'The ledger engine does not answer; check that it runs and is reachable.', { cause })

/** Sends one call. Throws NodeError for the node's own refusals, RELAY_UNREACHABLE for everything that kept it from answering. */
export async function askNode<T>(request: Request, method: string, params: readonly unknown[] = []): Promise<T> {
  try {
    return (await request({ method, params })) as T
  } catch (error) {
    if (error instanceof KeepwellError) throw error
    throw nodeError(error) ?? unreachable(error)
  }
}

/** Words of nodes that are the same everywhere and say nothing about anybody. */
const PLAIN =
  /insufficient funds|intrinsic gas too low|gas limit|underpriced|too many pending|txpool is full|nonce too (low|high)|oversized|out of gas/i

/** A node's refusal as the port's error, without the node's own sentence, which may hold what was sent. Other errors as they are. */
export function engineRefusal(error: unknown): unknown {
  if (!(error instanceof NodeError)) return error
  return refusal('The ledger engine', PLAIN.exec(error.message)?.[0].toLowerCase() ?? `JSON-RPC error ${error.code}`)
}

/** The same for questions that nodes do not refuse: throws nothing but the port's errors. */
export const ask = <T>(request: Request, method: string, params: readonly unknown[] = []): Promise<T> =>
  askNode<T>(request, method, params).catch(error => {
    throw engineRefusal(error)
  })

/** The node's error, however a provider wrapped it; null when the node said nothing. */
function nodeError(thrown: unknown): NodeError | null {
  let found: NodeError | null = null
  let error = thrown as { code?: unknown; message?: unknown; data?: unknown; cause?: unknown } | undefined
  for (let depth = 0; error && typeof error === 'object' && depth < 8; depth++) {
    const { code, message, data } = error
    if (typeof code === 'number' && AWAY.has(code)) return null
    if (typeof code === 'number') found = new NodeError(code, String(message ?? ''), revertData(data) ?? found?.data)
    error = error.cause as typeof error
  }
  return found
}

/** Nodes put the revert data into `error.data`, some one level deeper. */
function revertData(data: unknown): Hex | undefined {
  if (typeof data === 'string') return /^0x[0-9a-fA-F]*$/.test(data) && data.length > 2 ? (data as Hex) : undefined
  if (typeof data === 'object' && data !== null && 'data' in data) return revertData((data as { data: unknown }).data)
  return undefined
}

const PATIENCE = 20_000

/** JSON-RPC over HTTP, without redirects. Addresses of nodes often hold access keys, so no error names one. */
export function httpRequest(url: string, fetch = globalThis.fetch): Request {
  let id = 0
  return async ({ method, params = [] }) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })
    const headers = { 'content-type': 'application/json' }
    const init: RequestInit = { method: 'POST', headers, body, redirect: 'error', signal: AbortSignal.timeout(PATIENCE) }
    const response = await fetch(url, init).catch(cause => {
      throw cause instanceof KeepwellError ? cause : unreachable(cause)
    })
    const answer = await readAnswer(response)
    if (answer.error) throw Object.assign(new Error(String(answer.error.message)), { code: answer.error.code, data: answer.error.data })
    return answer.result
  }
}

type Answer = { result?: unknown; error?: { code: number; message: string; data?: unknown } }

async function readAnswer(response: Response): Promise<Answer> {
  const declared = Number(response.headers.get('content-length') ?? 0)
  if (declared > MAX_ANSWER_BYTES) throw unreachable()
  const answer: unknown = await response.json().catch(cause => {
    throw unreachable(cause)
  })
  const shaped = typeof answer === 'object' && answer !== null && ('result' in answer || 'error' in answer)
  if (!shaped) throw unreachable(new Error(`HTTP status ${response.status}`))
  return answer as Answer
}
