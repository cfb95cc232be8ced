import { join } from 'node:path'
import { openFhirTerminology } from '@keepwell/adapters/terminology/fhir-server'
import { fillWithShipped } from '@keepwell/adapters/terminology/shipped'
import { openTerminology } from '@keepwell/adapters/terminology/sqlite'
import type { Terminology } from '@keepwell/sdk/ports/terminology'
import type { Gateway, GatewayPart } from '#gateway/core/types'
import { terminologyRoutes } from './routes.ts'

export type TerminologySettings = {
  /** Folder of the organisation's home; code systems are loaded there with `keepwell terminology load`. */
  readonly dir: string
  /** FHIR base URL of a terminology server to ask instead; null: the file in the home. */
  readonly server: string | null
}

/** What codes mean, as the gateway's clients ask it: from the first start what FHIR itself enumerates has names. */
export async function terminologyPart(
  { clock, random }: Pick<Gateway, 'clock' | 'random'>,
  settings: TerminologySettings,
): Promise<GatewayPart> {
  const terminology = await opened(settings)
  return { terminology, fhir: terminologyRoutes({ terminology, clock, random }), close: () => terminology.close() }
}

async function opened({ dir, server }: TerminologySettings): Promise<Terminology> {
  if (server) return openFhirTerminology({ base: server.replace(/\/+$/, '') })
  const file = openTerminology({ file: join(dir, 'terminology.sqlite') })
  try {
    await fillWithShipped(file)
    return file
  } catch (e) {
    await file.close()
    throw e
  }
}
