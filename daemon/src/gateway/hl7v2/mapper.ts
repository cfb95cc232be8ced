import { fenced } from '@keepwell/adapters/base/fenced'
import { type ErrorCode, isKeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { Standing } from '@keepwell/sdk/health/hl7v2/context'

export type MapAsk = {
  readonly bytes: Uint8Array
  readonly patient: string
  /** An instant. */
  readonly received: string
  readonly original: JsonObject
  readonly zone?: string
}

export type MappedResource = {
  readonly resource: JsonObject
  readonly standing: Standing
  /** Canonical form, to see whether it changed. */
  readonly canonical: Uint8Array
}

export type MapAnswer = {
  readonly resources: readonly MappedResource[]
  /** Resources that break FHIR's rules, and are in the original only. */
  readonly unsound: number
  readonly merged: readonly string[]
}

/** What became of a message: its resources, or why it could not be mapped. */
export type MapReply = MapAnswer | { readonly reason: ErrorCode }

export type Mapper = {
  /** Several messages at once, each with its own reply, in this order. Never throws. */
  map(asks: readonly MapAsk[]): Promise<readonly MapReply[]>
  close(): Promise<void>
}

/** Maps and checks on a thread of its own, so that answers to senders never wait for it, and a message that breaks it breaks nothing else. */
export function openMapper(module = new URL('./mapper-thread.ts', import.meta.url)): Mapper {
  const fence = fenced<readonly MapAsk[], readonly MapReply[]>({
    module,
    milliseconds: 60_000,
    megabytes: 1024,
  })
  async function map(asks: readonly MapAsk[]): Promise<readonly MapReply[]> {
    if (asks.length === 0) return []
    try {
      return await fence.run(asks)
    } catch (e) {
      if (asks.length === 1) return [{ reason: isKeepwellError(e) ? e.code : 'DEFECT' }]
      // One of them ended the thread: each by itself, so that it costs its own.
      const replies: MapReply[] = []
      for (const ask of asks) replies.push(...(await map([ask])))
      return replies
    }
  }
  return { map, close: fence.close }
}
