import { toHex } from '@keepwell/sdk/base/bytes'
import type { Authenticate, Gateway, GatewayPart, PatientSession } from '#gateway/core/types'
import type { Reader } from '#gateway/reading/reader'
import type { Instance } from './imaging.ts'
import { type PatientOf, patientImaging } from './patient-imaging.ts'
import { type Drawer, quarantine } from './quarantine.ts'
import { renderer } from './renderer.ts'
import { dicomwebRoutes } from './routes.ts'
import { STORE_LIMITS } from './store.ts'

export type DicomwebInput = {
  readonly gateway: Gateway
  readonly authenticate: Authenticate
  readonly reader: Pick<Reader, 'instance'>
  readonly drawer: Drawer
  /** 32 bytes that only this home has. */
  readonly secret: Uint8Array
  /** The organisation's identifiers; without it a patient is named by the gateway's own id. */
  readonly patientOf?: PatientOf
}

/** DICOMweb as a side of the gateway, at `/dicomweb`. */
export function dicomwebPart({ gateway, authenticate, reader, drawer, secret, patientOf = () => null }: DicomwebInput): GatewayPart {
  const held = quarantine(drawer, secret, gateway.random)
  const draws = renderer()
  const indexes = new WeakMap<PatientSession, Map<string, Instance>>()
  const routes = dicomwebRoutes({
    imaging: async request =>
      patientImaging({
        gateway,
        reader,
        actor: await authenticate(request),
        patientOf,
        quarantine: held.put,
        indexes,
        asked: request.query.get('PatientID') ?? request.query.get('00100020'),
      }),
    base: `${gateway.url}/dicomweb`,
    renderer: draws,
    reader,
    limits: STORE_LIMITS,
    newId: () => toHex(gateway.random(16)),
  })
  return {
    routes,
    gauges: () => [
      {
        name: 'keepwell_dicom_quarantined_total',
        about: 'Files that were no DICOM or damaged, and were set aside.',
        value: held.counts.put,
        type: 'counter',
      },
      {
        name: 'keepwell_dicom_quarantine_full_total',
        about: 'Files that found no room in the quarantine.',
        value: held.counts.full,
        type: 'counter',
      },
    ],
    close: () => draws.close(),
  }
}
