import { findHospital } from '@keepwell/sdk/actions/connect/log-in'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openBodies } from '@keepwell/sdk/actions/records/open-bodies'
import { text } from '@keepwell/sdk/base/bytes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { corpus } from '../../tools/corpora.ts'
import { type HapiServer, hapiServer, startHapiServer } from '../../tools/hapi-server.ts'
import { closeHospitals, fresh, hospital, logIn, missingOf, patientOf, powers, pulled, searches } from './connect.kit.ts'
import { readSynthea } from './synthea.kit.ts'

// A foreign hospital's software: HAPI FHIR's server with a made patient of US Core in it. It has no login of its own, so the login of our test
// hospital stands before it, which lets in whoever bears its token and hands everything else on as it is.

const classpath = hapiServer()
const folder = corpus('clinical/fhir/synthea-us-core')
if (!classpath) console.warn('SKIPPED: HAPI FHIR’s server is not here; the gate fetches it where there are Java and Maven.')
if (!folder) console.warn('SKIPPED a patient of Synthea’s at HAPI’s server: set KEEPWELL_CORPORA, or put the corpora in ../shared/data')

type Entry = { readonly resource: Record<string, unknown> & { readonly resourceType: string; readonly id: string } }

describe.skipIf(!classpath || !folder)('a record that HAPI FHIR’s server keeps', () => {
  let hapi: HapiServer
  let id: string
  beforeAll(async () => {
    hapi = await startHapiServer(classpath!, { page: 25, soon: true })
    for (const bundle of readSynthea(folder!)) await sent('POST', '', bundle)
    id = (await asked('Patient')).entry[0]!.resource.id
  })
  afterAll(async () => {
    await closeHospitals()
    await hapi?.stop()
  })

  async function sent(method: string, path: string, body?: unknown): Promise<Response> {
    const init = { method, headers: { 'content-type': 'application/fhir+json' }, body: body === undefined ? null : JSON.stringify(body) }
    const answer = await fetch(`${hapi.base}/${path}`.replace(/\/$/, ''), init)
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  const asked = async (path: string): Promise<{ entry: Entry[]; link: { relation: string; url: string }[] }> =>
    (await sent('GET', path)).json() as never

  /** What HAPI itself counts to the patient's record. */
  async function everything(): Promise<string[]> {
    const found: string[] = []
    for (let next: string | undefined = `Patient/${id}/$everything`; next; ) {
      const page = await asked(next)
      found.push(...page.entry.map(e => `${e.resource.resourceType}/${e.resource.id}`))
      next = page.link.find(l => l.relation === 'next')?.url.slice(hapi.base.length)
    }
    return found
  }

  test('comes whole though the line broke in the middle, byte for byte; then only what changed, by the server’s own clock', async () => {
    const west = await hospital({ before: hapi.base })
    west.login.patient = id
    const ada = await patientOf()
    const connection = await logIn(ada, west)
    // The second page of results fails, and again when it is tried again.
    let pages = 0
    west.pages.push(() => (++pages > 1 ? { status: 502 } : null))
    const broken = await pulled(ada, connection)
    expect(broken.missing.some(m => m.reason === 'failed')).toBe(true)
    west.pages.pop()
    const first = await pulled(ada, connection)
    expect([first.stopped, missingOf(first)]).toEqual([null, []])
    expect(Object.keys(fresh(first))).toEqual(['Observation'])
    const held = await everything()
    const entries = await listEntries(ada)
    const bySource = new Map(entries.map(e => [e.card.source, e]))
    expect(held.filter(name => !bySource.has(`${west.base}/${name}`))).toEqual([])
    expect(bySource.size).toBe(entries.length)
    console.log(`connect: ${entries.length} resources from HAPI ${JSON.stringify(fresh(broken))}, then ${JSON.stringify(fresh(first))}`)

    const [observation] = (await asked(`Observation?patient=${id}&_count=1`)).entry
    const { resource } = observation!
    const name = `Observation/${resource.id}`
    const kept: string[] = []
    for await (const { chunks } of openBodies(ada, [bySource.get(`${west.base}/${name}`)!]))
      for await (const part of chunks()) kept.push(text(part))
    expect(kept.join('')).toBe(await (await sent('GET', name)).text())

    const before = west.asked.length
    expect((await pulled(ada, connection)).filed).toEqual({})
    expect(searches(west, 'Observation').at(-1)).toContain('_lastUpdated=ge')
    // What HAPI gave whole once, people and places, is not asked for again.
    expect(west.asked.slice(before).filter(a => /Practitioner|Organization/.test(a.path))).toEqual([])
    await sent('PUT', name, { ...resource, status: 'corrected' })
    await sent('POST', 'Condition', {
      resourceType: 'Condition',
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
      code: { text: 'Asthma' },
      subject: { reference: `Patient/${id}` },
    })
    expect((await pulled(ada, connection)).filed).toEqual({
      Condition: { fresh: 1, changed: 0 },
      Observation: { fresh: 0, changed: 1 },
    })
  })

  test('is not asked for without a login: the server alone is told to have none', async () => {
    await expect(findHospital(powers(await patientOf()), hapi.base)).rejects.toThrow(/nothing of a login for apps/)
  })
})
