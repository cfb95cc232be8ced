import { fenced } from '@keepwell/adapters/base/fenced'
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

export type Mapper = { map(ask: MapAsk): Promise<MapAnswer>; close(): Promise<void> }

/** Maps and checks on a thread of its own, so that answers to senders never wait for it, and a message that breaks it breaks nothing else. */
export function openMapper(): Mapper {
  const fence = fenced<MapAsk, MapAnswer>({ module: new URL('./mapper-thread.ts', import.meta.url), milliseconds: 60_000, megabytes: 1024 })
  return { map: fence.run, close: fence.close }
}
