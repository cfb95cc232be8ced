import { serveFenced } from '@keepwell/adapters/base/fenced-thread'
import { nameUuid } from '@keepwell/sdk/crypto/name-uuid'
import { canonicalBytes } from '@keepwell/sdk/health/fhir/canonical'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { parseMessage } from '@keepwell/sdk/health/hl7v2/message'
import { toFhir } from '@keepwell/sdk/health/hl7v2/to-fhir'
import type { MapAnswer, MapAsk } from './mapper.ts'

serveFenced(async ({ bytes, patient, received, original, zone }: MapAsk): Promise<MapAnswer> => {
  const check = await loadChecker()
  // A bare reference at the gateway says whose record to look into: its ids begin with the patient's.
  const uuid = (name: string): string => `${patient}.${nameUuid(name).replaceAll('-', '')}`
  const mapped = toFhir(parseMessage(bytes), { uuid, received, patientId: patient, original, ...(zone ? { zone } : {}) })
  const sound = mapped.resources.filter(({ resource }) => !check(resource).some(i => i.severity === 'error'))
  return {
    resources: sound.map(({ resource, standing }) => ({ resource, standing, canonical: canonicalBytes(resource) })),
    unsound: mapped.resources.length - sound.length,
    merged: mapped.merged,
  }
})
