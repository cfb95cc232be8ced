import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ApiKey, endingSoon, readApiKeys } from '#gateway/core/api-keys'
import type { Gateway, GatewayPart } from '#gateway/core/types'
import { readIfThere } from './files.ts'

export const apiKeyFile = (dir: string): string => join(dir, 'gateway-keys.json')

/** How long a key that was taken away may still count, milliseconds. */
const LOOK = 500

/** The keys in a file, read again when it changed: a key that was taken away counts no more. */
export function keysIn(path: string): () => Promise<readonly ApiKey[]> {
  let known: { readonly at: number; readonly keys: readonly ApiKey[] } | null = null
  let looked = Number.NEGATIVE_INFINITY
  return async () => {
    const now = performance.now()
    if (known && now < looked + LOOK) return known.keys
    looked = now
    const at = await stat(path).then(
      s => s.mtimeMs,
      () => 0,
    )
    if (known?.at !== at) known = { at, keys: readApiKeys(await readIfThere(path)) }
    return known.keys
  }
}

/** How long before its end a key is spoken of, seconds. */
export const WARN_SECONDS = 30 * 86_400
const DAY_MS = 86_400_000

/** Says each day which keys end soon: a line in the log for each, and their number among the metrics. Keys are told by their ids. */
export async function keyPart(
  { clock, log }: Pick<Gateway, 'clock' | 'log'>,
  keys: () => Promise<readonly ApiKey[]>,
): Promise<GatewayPart> {
  let last: readonly ApiKey[] = []
  const ending = (): readonly ApiKey[] => endingSoon(last, clock(), clock() + WARN_SECONDS)
  const look = async (): Promise<void> => {
    last = await keys()
    for (const { id, until = 0 } of ending()) log({ level: 'warn', task: 'api-key', key: id, days: Math.floor((until - clock()) / 86_400) })
  }
  await look()
  const timer = setInterval(
    () => void look().catch(() => log({ level: 'error', task: 'api-key', code: 'STORAGE_CORRUPT' })),
    DAY_MS,
  ).unref()
  return {
    gauges: () => [
      {
        name: 'keepwell_api_keys_ending',
        about: 'API keys that end within 30 days and were not renewed, as of the last look.',
        value: ending().length,
      },
    ],
    async close() {
      clearInterval(timer)
    },
  }
}
