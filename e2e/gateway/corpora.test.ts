import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, type GatewayWorld, gatewayWorld, type Json, NURSE } from '#e2e/gateway.kit'
import { corpus } from '#tools/corpora'

const synthea = corpus('clinical/fhir/synthea-r4')
const usCore = corpus('clinical/fhir/synthea-us-core')
const examples = corpus('clinical/fhir/us-core-examples')
const DEEP = process.env.KEEPWELL_DEEP === '1'
const there = synthea && usCore && examples

/** A transaction as its maker wrote it, into a new patient's record; what comes back is counted. */
async function posted(
  world: GatewayWorld,
  name: string,
  bundle: Json,
): Promise<{ sent: number; read: number; dangling: number; seconds: number }> {
  const { id } = await consents(world, await world.patient(name))
  const ask = world.asking({ ...NURSE, 'x-keepwell-patient': id })
  const started = performance.now()
  const answer = await ask('POST', '', bundle, { prefer: 'handling=lenient' })
  const seconds = (performance.now() - started) / 1000
  if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${answer.text.slice(0, 600)}`)
  const all = await ask('GET', `Patient/${id}/$everything`)
  const resources: Json[] = all.body.entry.map((e: Json) => e.resource)
  const kept = new Set(resources.map(r => `${r.resourceType}/${r.id}`))
  const locations: string[] = answer.body.entry.map((e: Json) => e.response.location.split('/fhir/')[1].split('/_history')[0])
  const text = JSON.stringify(resources)
  const references = [...text.matchAll(/"reference":"([^"#]+)"/g)].map(m => m[1]!)
  return {
    sent: bundle.entry.length,
    read: locations.filter(l => kept.has(l)).length,
    dangling: new Set(references.filter(r => !kept.has(r.replace(/\/_history.*/, '')))).size,
    seconds,
  }
}

const bundles = (folder: string): [string, Json][] =>
  readdirSync(folder)
    .filter(f => f.endsWith('.json'))
    .map((f): [string, Json] => [f.slice(0, 12), JSON.parse(readFileSync(join(folder, f), 'utf8'))])
    .filter(([, b]) => b.type === 'transaction')
    // The gate takes the small ones; all of them take minutes on a busy machine.
    .filter(([, b]) => DEEP || b.entry.length < 250)

describe.skipIf(!there)(`transactions of the corpora${there ? '' : ' (skipped: the corpora are not on this machine)'}`, () => {
  let world: GatewayWorld
  beforeAll(async () => {
    world = await gatewayWorld()
  })
  afterAll(() => world.close())

  test('Synthea’s are written whole and read back, every reference leading somewhere', async () => {
    const found: Awaited<ReturnType<typeof posted>>[] = []
    for (const [name, bundle] of bundles(synthea!)) found.push(await posted(world, name, bundle))
    const sum = (key: 'sent' | 'read' | 'seconds') => found.reduce((n, f) => n + f[key], 0)
    console.log(
      `Synthea: ${found.length} transactions, ${sum('sent')} resources sent, ${sum('read')} read back in the patient’s own, ${Math.round(sum('sent') / sum('seconds'))}/s`,
    )
    expect([found.length, sum('read')]).toEqual([DEEP ? 7 : 3, sum('sent')])
    expect(found.map(f => f.dangling)).toEqual(found.map(() => 0))
  })

  test('those with US Core profiles as well; who is only named by an identifier stays named by it', async () => {
    const found: Awaited<ReturnType<typeof posted>>[] = []
    for (const [name, bundle] of bundles(usCore!)) found.push(await posted(world, name, bundle))
    const sum = (key: 'sent' | 'read' | 'seconds') => found.reduce((n, f) => n + f[key], 0)
    console.log(
      `Synthea with US Core: ${found.length} transactions, ${sum('sent')} resources sent, ${sum('read')} read back, ${Math.round(sum('sent') / sum('seconds'))}/s`,
    )
    expect([found.length, sum('read')]).toEqual([DEEP ? 5 : 2, sum('sent')])
  })

  test('US Core’s examples are written one by one under the ids that they have', async () => {
    const { id } = await consents(world, await world.patient('Example'))
    const ask = world.asking({ ...NURSE, 'x-keepwell-patient': id })
    const files = readdirSync(examples!).filter((f, i) => f.endsWith('.json') && (DEEP || i % 4 === 0))
    const counts = { written: 0, refused: 0 }
    for (const file of files) {
      const text = readFileSync(join(examples!, file), 'utf8').replace(/"Patient\/[^"]+"/g, `"Patient/${id}"`)
      const resource = JSON.parse(text)
      if (resource.resourceType === 'Bundle' || resource.resourceType === 'StructureDefinition') continue
      const put = await ask('PUT', `${resource.resourceType}/${resource.id}`, text)
      if (put.status === 201) {
        counts.written++
        expect((await ask('GET', `${resource.resourceType}/${resource.id}`)).body).toMatchObject({
          id: resource.id,
          resourceType: resource.resourceType,
        })
      } else {
        counts.refused++
        console.log(`${file}: ${put.status} ${put.body?.issue?.[0]?.details?.text} ${put.body?.issue?.[0]?.expression}`)
      }
    }
    console.log(`US Core examples: ${counts.written} written and read back, ${counts.refused} refused`)
    expect(counts.written).toBeGreaterThanOrEqual(DEEP ? 110 : 25)
  })
})
