import { join } from 'node:path'
import type { ImportItem } from '@keepwell/sdk/actions/records/import-item'
import { type ErrorCode, KeepwellError } from '@keepwell/sdk/base/error'
import type { Actor, Gateway, GatewayPart } from '#gateway/core/types'
import type { Intake, Original } from './intake.ts'
import type { ListenOptions } from './listen.ts'
import { startService } from './service.ts'

/** The interfaces of the organisation's own systems write for it. */
const ACTOR: Actor = { person: 'HL7 v2 interface', role: 'system', purpose: 'TREAT', scopes: null, patient: null }

async function* itemsOf(originals: readonly Original[]): AsyncGenerator<ImportItem> {
  for (const { id, name, bytes } of originals)
    yield {
      name,
      size: bytes.length,
      told: { id },
      async *chunks() {
        yield bytes
      },
    }
}

/** Messages become records that the organisation writes under the patient's consent. The original goes first: the rest points to it. */
export function gatewayIntake(gateway: Pick<Gateway, 'submit' | 'patient'>): Intake {
  return {
    async file(patient, originals, resources) {
      const kept = await gateway.submit(ACTOR, patient, { items: itemsOf(originals) })
      const lost = kept.find(v => v.outcome === 'failed')
      if (lost) throw new KeepwellError((lost.code ?? 'DEFECT') as ErrorCode, lost.why ?? 'The message could not be filed.')
      // They were checked on the mapper's thread.
      const filed = await gateway.submit(ACTOR, patient, { resources: resources.map(r => ({ ...r, issues: [] })) })
      return filed.map(v => v.id ?? null)
    },
    writable: patient => Boolean(gateway.patient(patient)?.write),
  }
}

/** The queue's file in an organisation's home. */
export const hl7v2File = (dir: string): string => join(dir, 'hl7v2.sqlite')

export type Hl7v2Settings = {
  /** Folder of the home. */
  readonly dir: string
  /** The home's own secret (32 bytes), of which the queue's keys are made. */
  readonly secret: Uint8Array
  readonly listen: Omit<ListenOptions, 'onStored'>
  readonly zone?: string
  readonly look?: number
}

export type Hl7v2Part = GatewayPart & { readonly port: number; idle(): Promise<void> }

/** The HL7 v2 side of a gateway: listens until it is closed. */
export async function hl7v2Part(gateway: Gateway, settings: Hl7v2Settings): Promise<Hl7v2Part> {
  const { dir, secret, listen, zone, look } = settings
  const service = await startService({
    file: hl7v2File(dir),
    secret,
    intake: gatewayIntake(gateway),
    clock: gateway.clock,
    random: gateway.random,
    listen,
    ...(zone ? { zone } : {}),
    ...(look ? { look } : {}),
  })
  return { port: service.port, gauges: service.gauges, idle: service.idle, close: service.close }
}
