import { expect, test } from 'vitest'
import { utf8 } from '#base/bytes'
import { BRAND_LIMITS, readBrands } from './brands.ts'

const STRUCTURE = 'http://hl7.org/fhir/StructureDefinition'
type Json = Readonly<Record<string, unknown>>
const organization = (id: string, more: Json): Json => ({ resourceType: 'Organization', id, active: true, ...more })
const endpoint = (id: string, address: string, more: Json = {}): Json => ({
  resourceType: 'Endpoint',
  id,
  status: 'active',
  extension: [{ url: `${STRUCTURE}/endpoint-fhir-version`, valueCode: '4.0.1' }],
  connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' },
  name: `Server ${id}`,
  address,
  ...more,
})
const bundle = (resources: readonly Json[]): Json => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: resources.map(resource => ({ fullUrl: `https://ehr.example/${resource.resourceType}/${resource.id}`, resource })),
})
async function* of(value: unknown): AsyncGenerator<Uint8Array> {
  yield utf8(typeof value === 'string' ? value : JSON.stringify(value))
}

test('a brand has its names, places and servers; one without a server of its own has that of the one above it', async () => {
  const brands = await readBrands(
    of(
      bundle([
        organization('b2', { name: 'West Children’s', partOf: { reference: 'https://ehr.example/Organization/b1' } }),
        organization('b1', {
          name: 'Hospital West',
          alias: ['Saint West', 'Hospital West'],
          address: [{ city: 'Napa', state: 'CA', country: 'US' }],
          contact: [{ address: { city: 'Sonoma', state: 'CA' } }],
          extension: [
            {
              url: `${STRUCTURE}/organization-portal`,
              extension: [
                { url: 'portalName', valueString: 'MyWest' },
                { url: 'portalEndpoint', valueReference: { reference: 'Endpoint/e1' } },
              ],
            },
          ],
        }),
        endpoint('e1', 'https://fhir.west.example/r4/'),
      ]),
    ),
  )
  const servers = [{ name: 'Server e1', base: 'https://fhir.west.example/r4' }]
  expect(brands).toEqual([
    { name: 'Hospital West', aliases: ['Saint West', 'MyWest'], places: ['Napa, CA, US', 'Sonoma, CA'], servers },
    { name: 'West Children’s', aliases: [], places: [], servers },
  ])
})

test('what is off, of another version or protocol, not by https, or carries a password is no server; without one there is no brand', async () => {
  const no = [
    endpoint('a', 'http://fhir.example/r4'),
    endpoint('b', 'https://me:secret@fhir.example/r4'),
    endpoint('c', 'javascript:alert(1)'),
    endpoint('d', 'https://fhir.example/r4', { status: 'off' }),
    endpoint('e', 'https://fhir.example/r4', { extension: [{ url: `${STRUCTURE}/endpoint-fhir-version`, valueCode: '1.0.2' }] }),
    endpoint('f', 'https://fhir.example/r4', { connectionType: { code: 'direct-project' } }),
    endpoint('g', 'not an address'),
  ]
  for (const one of no) {
    const named = organization('o', { name: 'West', endpoint: [{ reference: `Endpoint/${one.id}` }] })
    await expect(readBrands(of(bundle([named, one])))).rejects.toMatchObject({ code: 'BAD_INPUT' })
  }
})

test('a circle of brands, one entry that cannot be read, and texts without end do not stop the rest', async () => {
  const circle = [
    organization('x', { name: 'X', partOf: { reference: 'Organization/y' } }),
    organization('y', { name: 'Y', partOf: { reference: 'Organization/x' } }),
  ]
  const good = organization('z', { name: 'Z'.repeat(5000), endpoint: [{ reference: 'Endpoint/e' }] })
  const text = JSON.stringify(bundle([...circle, endpoint('e', 'https://e.example'), good])).replace(
    '"entry":[',
    `"entry":[{"resource":${'['.repeat(100)}`,
  )
  const whole = JSON.stringify(bundle([...circle, endpoint('e', 'https://e.example'), good]))
  const brands = await readBrands(of(whole))
  expect(brands.map(b => [b.name.length, b.servers.length])).toEqual([[BRAND_LIMITS.text, 1]])
  expect((await readBrands(of(text))).map(b => b.servers.length)).toEqual([1])
  for (const bad of ['', 'null', '{}', '[]', '<Bundle/>', '{"resourceType":"Bundle"}'])
    await expect(readBrands(of(bad))).rejects.toMatchObject({ code: 'BAD_INPUT' })
})

test('what is larger than any list that is published is given up before it is held', async () => {
  let given = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield utf8('{"resourceType":"Bundle","entry":[')
    for (;;) {
      given += 1 << 20
      yield utf8(`{"resource":{"resourceType":"Basic","id":"${given}","code":{"text":"${' '.repeat((1 << 19) - 200)}"}}},`)
    }
  }
  await expect(readBrands(endless())).rejects.toMatchObject({ code: 'TOO_LARGE' })
})
