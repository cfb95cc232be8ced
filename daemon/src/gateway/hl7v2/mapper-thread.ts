import { serveFenced } from '@keepwell/adapters/base/fenced-thread'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { nameUuid } from '@keepwell/sdk/crypto/name-uuid'
import { canonicalBytes } from '@keepwell/sdk/health/fhir/canonical'
import { type Checker, loadChecker } from '@keepwell/sdk/health/fhir/check'
import { parseMessage } from '@keepwell/sdk/health/hl7v2/message'
import { toFhir } from '@keepwell/sdk/health/hl7v2/to-fhir'
import type { MapAnswer, MapAsk, MapReply } from './mapper.ts'

function mapped(check: Checker, { bytes, patient, received, original, zone }: MapAsk): MapAnswer {
  // A bare reference at the gateway says whose record to look into: its ids begin with the patient's.
  const uuid = (name: string): string => `${patient}.${nameUuid(name).replaceAll('-', '')}`
  const found = toFhir(parseMessage(bytes), { uuid, received, patientId: patient, original, ...(zone ? { zone } : {}) })
  const sound = found.resources.filter(({ resource }) => !check(resource).some(i => i.severity === 'error'))
  return {
    resources: sound.map(({ resource, standing }) => ({ resource, standing, canonical: canonicalBytes(resource) })),
    unsound: found.resources.length - sound.length,
    merged: found.merged,
  }
}

serveFenced(async (asks: readonly MapAsk[]): Promise<MapReply[]> => {
  const check = await loadChecker()
  return asks.map(ask => {
    try {
      return mapped(check, ask)
    } catch (e) {
      return { reason: isKeepwellError(e) ? e.code : 'UNREADABLE' }
    }
  })
})
