import { parentPort } from 'node:worker_threads'
import { describeResource } from '@keepwell/sdk/actions/records/import-describe'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { loadNames } from '@keepwell/sdk/health/terminology/names'

/** The other thread of `describe-worker.ts`: parses, checks and describes resources. */
export type Ask = {
  readonly id: number
  readonly base: string | undefined
  readonly parts: readonly { readonly bytes: Uint8Array; readonly fullUrl?: string }[]
}

const decoder = new TextDecoder()

parentPort?.on('message', async ({ id, base, parts }: Ask) => {
  try {
    const [check, nameOf] = await Promise.all([loadChecker(), loadNames()])
    const described = parts.map(p =>
      describeResource(check, { ...p, resource: JSON.parse(decoder.decode(p.bytes)) as JsonObject }, base, nameOf),
    )
    parentPort!.postMessage({ id, described })
  } catch (e) {
    parentPort!.postMessage({ id, failed: e instanceof Error ? e.message : 'failed' })
  }
})
