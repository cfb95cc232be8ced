import { validateResource } from '@medplum/core'
import type { Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { corpusTest, parseJson, resourcesOf } from '#health/corpora.kit'
import { sampleBundle } from '#sample/bundle'
import { samplePatient } from '#sample/patient'
import { checkResource, loadChecker } from './check.ts'
import { narrativeProblem } from './narrative.ts'
import { knownParameters } from './search/known-parameters.ts'
import { r4 } from './search/r4.ts'

const check = await loadChecker()
const errors = (resource: unknown): string[] =>
  check(resource)
    .filter(i => i.severity === 'error')
    .map(i => i.path)
const NAME = 'http://hl7.org/fhir/SearchParameter/Patient-name'
const searchParameter = knownParameters(r4)
const now = 1_767_225_600
const patient = { resourceType: 'Patient', id: 'p1' }
const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } }

test('every generated resource is valid', () => {
  for (const seed of ['a', 'b', 'c'])
    for (const resource of samplePatient(seed, { resources: 800, now })) expect(check(resource)).toEqual([])
  expect(check(sampleBundle('d', { resources: 120, now }))).toEqual([])
})

describe('what the validator alone lets pass', () => {
  test.each([
    ['an id with a blank', { ...patient, id: 'a b' }, 'Patient.id'],
    ['an id of 65 characters', { ...patient, id: 'a'.repeat(65) }, 'Patient.id'],
    ['an empty array', { ...patient, name: [] }, 'Patient.name'],
    ['a code outside a required value set', { ...patient, gender: 'robot' }, 'Patient.gender'],
    [
      'a concept outside a required value set',
      {
        resourceType: 'Condition',
        subject: { display: 'x' },
        clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'nope' }] },
      },
      'Condition.clinicalStatus',
    ],
    ['a reference to a type that is not allowed', { ...observation, subject: { reference: 'Encounter/1' } }, 'Observation.subject'],
    ['a reference of no known form', { ...observation, subject: { reference: 'somebody' } }, 'Observation.subject.reference'],
    ['a reference to nothing contained', { ...observation, subject: { reference: '#nobody' } }, 'Observation.subject'],
    [
      'a UUID in upper case',
      { ...observation, subject: { reference: 'urn:uuid:A0000000-0000-4000-8000-000000000000' } },
      'Observation.subject.reference',
    ],
    [
      'a period that ends before it starts',
      { ...observation, effectivePeriod: { start: '2024-02', end: '2024-01' } },
      'Observation.effectivePeriod',
    ],
    ['an attachment of another size', { ...patient, photo: [{ data: 'AAAA', size: 9 }] }, 'Patient.photo[0].size'],
    ['an extension with neither value nor extensions', { ...patient, extension: [{ url: 'http://x.example/y' }] }, 'Patient.extension[0]'],
    ['a telephone number without its system', { ...patient, telecom: [{ value: '555' }] }, 'Patient.telecom[0]'],
    ['data without its type', { ...patient, photo: [{ data: 'AAAA' }] }, 'Patient.photo[0]'],
    [
      'a range whose ends are the wrong way round',
      { ...observation, valueRange: { low: { value: 2, unit: 'mg' }, high: { value: 1, unit: 'mg' } } },
      'Observation.valueRange',
    ],
    ['half a ratio', { ...observation, valueRatio: { numerator: { value: 1 } } }, 'Observation.valueRatio'],
    [
      'a period without its unit',
      { ...observation, effectiveTiming: { repeat: { frequency: 1, period: 1 } } },
      'Observation.effectiveTiming.repeat',
    ],
    [
      'a link in a narrative that leads nowhere',
      { ...patient, text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><a href="#x">x</a></div>' } },
      'Patient.text.div',
    ],
    [
      'an expression that is no FHIRPath',
      { ...patient, extension: [{ url: 'http://x.example/y', valueExpression: { language: 'text/fhirpath', expression: '$ and' } }] },
      'Patient.extension[0].valueExpression.expression',
    ],
    ['a relative extension URL', { ...patient, extension: [{ url: 'y', valueString: 'z' }] }, 'Patient.extension[0].url'],
    [
      'a code system without scheme',
      { ...observation, code: { coding: [{ system: 'loinc', code: '1' }] } },
      'Observation.code.coding[0].system',
    ],
    [
      'a contained resource that nothing refers to',
      { ...patient, contained: [{ resourceType: 'Organization', id: 'o', name: 'x' }] },
      'Patient.contained',
    ],
    [
      'script in a narrative',
      { ...patient, text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>' } },
      'Patient.text.div',
    ],
  ])('%s is an error at its place', (_, resource, path) => {
    expect(errors(resource)).toContain(path)
  })
  test('what is there by an extension alone is there, and links lead to elements and anchors', () => {
    const absent = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }]
    expect(errors({ ...patient, telecom: [{ value: '555', _system: { extension: absent } }] })).toEqual([])
    const div = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="#n">x</a> <a href="#b">y</a><p id="b">z</p></div>'
    expect(errors({ ...patient, text: { status: 'generated', div }, name: [{ id: 'n', family: 'x' }] })).toEqual([])
  })
  test('a search parameter, and what a server says of one, agree with HL7’s', () => {
    const told = (type: string) => ({
      resource: [{ type: 'Patient', searchParam: [{ name: 'name', definition: NAME, type }] }],
      mode: 'server',
    })
    const server = {
      resourceType: 'CapabilityStatement',
      status: 'active',
      date: '2026',
      kind: 'capability',
      fhirVersion: '4.0.1',
      format: ['json'],
      software: { name: 'x' },
    }
    const place = 'CapabilityStatement.rest[0].resource[0].searchParam[0]'
    const own = { searchParameter }
    const at = (resource: unknown) => check(resource, own).flatMap(i => (i.severity === 'error' ? i.path : []))
    expect(at({ ...server, rest: [told('string')] })).toEqual([])
    expect(at({ ...server, rest: [told('token')] })).toEqual([place])
    const derived = {
      resourceType: 'SearchParameter',
      url: 'http://x.example/p',
      name: 'P',
      status: 'active',
      description: 'x',
      code: 'p',
      derivedFrom: NAME,
    }
    expect(at({ ...derived, base: ['Patient'], type: 'string', expression: 'Patient.name' })).toEqual([])
    expect(at({ ...derived, base: ['Patient'], type: 'token', expression: 'Patient.name' })).toEqual(['SearchParameter'])
    expect(at({ ...derived, base: ['Organization'], type: 'string', expression: 'Organization.name' })).toEqual(['SearchParameter'])
  })
  test('a contained resource is held to its own rules and found by references', () => {
    const contained = [{ resourceType: 'Patient', id: 'c' }]
    expect(errors({ ...observation, contained, subject: { reference: '#c' } })).toEqual([])
    expect(errors({ ...observation, contained: [{ ...contained[0], gender: 'x' }], subject: { reference: '#c' } })).toEqual([
      'Observation.contained[0].gender',
    ])
  })
  test('nested backbone elements and repeated definitions are checked as deep as they go', () => {
    const item = { linkId: '1', answer: [{ valueString: 'x', item: [{ linkId: '2', item: [{ linkId: '3', answer: [] }] }] }] }
    const at = 'QuestionnaireResponse.item[0].answer[0].item[0].item[0].answer'
    expect(errors({ resourceType: 'QuestionnaireResponse', status: 'completed', item: [item] })).toContain(at)
  })
})

describe('what JSON can say and FHIR cannot', () => {
  const said = async (json: string) => (await checkResource(JSON.parse(json))).map(i => [i.code, i.path])
  test.each(['__proto__', 'constructor', 'toString', '_constructor'])(
    'a property by the name of %s, which every object has',
    async name => {
      expect(await said(`{"resourceType":"Basic","code":{"text":"x"},"${name}":{"a":1}}`)).toEqual([['structure', 'Basic.?']])
      expect(await said(`{"resourceType":"Basic","code":{"text":"x","${name}":"y"}}`)).toEqual([['structure', 'Basic.code.?']])
    },
  )
  test('half of a surrogate pair', async () => {
    expect(await said('{"resourceType":"Basic","code":{"text":"\\ud83d"}}')).toEqual([['value', 'Basic.code.text']])
    expect(await said('{"resourceType":"Basic","code":{"text":"\\ud83d\\ude00"}}')).toEqual([])
  })
})

describe('Bundles', () => {
  const entry = { fullUrl: 'urn:uuid:a0000000-0000-4000-8000-000000000000', resource: patient }
  const made = (type: string, ...entries: unknown[]): unknown => ({ resourceType: 'Bundle', type, entry: entries })
  test.each([
    ['a relative fullUrl', made('collection', { ...entry, fullUrl: 'Patient/p1' }), 'Bundle.entry[0].fullUrl'],
    ['two entries of one fullUrl', made('collection', entry, entry), 'Bundle.entry[1].fullUrl'],
    [
      'a fullUrl that contradicts the id',
      made('collection', { ...entry, fullUrl: 'http://x.example/Patient/other' }),
      'Bundle.entry[0].fullUrl',
    ],
    ['an entry without fullUrl', made('collection', { resource: patient }), 'Bundle.entry[0]'],
    ['a document without Composition', made('document', entry), 'Bundle.entry[0]'],
    ['a transaction without request', made('transaction', entry), 'Bundle.entry[0]'],
  ])('%s is an error', (_, resource, path) => {
    expect(errors(resource)).toContain(path)
  })
})

describe('narratives', () => {
  const div = (inner: string): string => `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>`
  test.each([
    '<p>a <b>b</b> &amp; &#228; &nbsp;</p>',
    '<table><tr><td colspan="2">x</td></tr></table>',
    'x<br/><img src="#i" alt="y"/>',
    '<a href="https://x.example?a=1&amp;b=2">x</a>',
    '<p style="background-image: url(bar.png)">x</p>',
    '<p style="background: url(&quot;data:image/png;base64,AA&quot;)">x</p>',
  ])('%s is fine', inner => {
    expect(narrativeProblem(div(inner))).toBeNull()
  })
  test.each([
    '<script>x</script>',
    '<p onclick="x">y</p>',
    '<a href="java&#115;cript:x">y</a>',
    '<a href="javascript&colon;x">y</a>',
    '<a href=" j\navascript:x">y</a>',
    '<img src="data:text/html;base64,AA"/>',
    '<iframe/>',
    '<p style="background:url(http://x.example)">x</p>',
    '<p style="background:url( &#39;//x.example/a.png&#39; )">x</p>',
    '<p style="background:u\\72l(http://x.example)">x</p>',
    '<p style="background:url(data:text/html;base64,AA)">x</p>',
    '<form>x</form>',
    '<p>x',
    'x</p>',
    '<p a=b>x</p>',
    '&undefined',
    '',
    '   ',
    '<!-- x',
  ])('%s is refused', inner => {
    expect(narrativeProblem(div(inner))).not.toBeNull()
  })
  test('it must be one div in the XHTML namespace', () => {
    for (const bad of ['<div>x</div>', 'x', div('x') + div('y'), '<p xmlns="http://www.w3.org/1999/xhtml">x</p>', ''])
      expect(narrativeProblem(bad)).not.toBeNull()
  })
  test('a hostile narrative takes linear time', () => {
    // Were it quadratic, the runner's own limit would end it.
    for (const hostile of ['<p '.repeat(200_000), `<p ${'a="b" '.repeat(100_000)}`, '<b>'.repeat(200_000)])
      expect(narrativeProblem(div(hostile))).not.toBeNull()
  })
})

test('foreign input never makes it throw, and no value of it comes back in an issue', () => {
  const secret = 'Zebedee-Quux-1972'
  const nest = (n: number): unknown => (n ? { extension: [nest(n - 1)], [secret]: secret } : secret)
  const inputs: unknown[] = [
    null,
    1,
    secret,
    [],
    {},
    { resourceType: secret },
    { resourceType: '__proto__' },
    { resourceType: 'constructor' },
  ]
  for (const value of [secret, 7, true, null, [], {}, [null], [[secret]], { [secret]: [secret] }, nest(5), nest(500)])
    for (const type of ['Patient', 'Observation', 'Bundle', 'Questionnaire'])
      for (const key of ['id', 'name', 'text', 'contained', 'entry', 'code', 'extension', 'subject', 'status', 'item', 'meta', secret])
        inputs.push({ resourceType: type, [key]: value })
  for (const input of inputs) {
    const issues = check(input)
    expect(JSON.stringify(issues)).not.toContain('Zebedee')
  }
})

type Case = {
  name: string
  file: string
  version?: string
  module?: string
  java?: unknown
  supporting?: string[]
  'security-checks'?: boolean
  noHtmlInMarkdown?: boolean
}
type Outcome = { issue?: { severity: string }[] }

/** What @medplum/core's validator says by itself, over the same definitions. */
function medplumRefuses(bytes: Uint8Array): boolean {
  try {
    const found = validateResource(parseJson<Resource>(bytes), { base64BinaryMaxBytes: 64 << 20 })
    return found.some(i => i.severity === 'error')
  } catch {
    return true
  }
}

corpusTest("HL7's validator cases: what is found, what is refused wrongly", ({ files, json }) => {
  const cases = json<{ 'test-cases': Case[] }>('fhir/validator-cases/manifest.json')['test-cases']
  const contents = new Map(files('fhir/validator-cases', '.json').map(f => [f.name.replace('fhir/validator-cases/', ''), f.bytes]))
  const outcomeOf = (java: unknown): Outcome | null => {
    if (typeof java === 'object' && java !== null && 'outcome' in java) return java.outcome as Outcome
    const bytes = contents.get(`outcomes/${String(java)}`)
    return bytes ? parseJson<Outcome>(bytes) : null
  }
  const table: Record<string, { invalid: number; found: number; valid: number; refused: number }> = {}
  const peer = { found: 0, refused: 0 }
  for (const c of cases) {
    const bytes = contents.get(c.file)
    const outcome = bytes && c.java ? outcomeOf(c.java) : null
    // json5 is about comments in JSON, which the splitter refuses and this suite accepts: a rule of its own.
    if (!outcome || !bytes || c.module === 'json5') continue
    const invalid = (outcome.issue ?? []).some(i => i.severity === 'error' || i.severity === 'fatal')
    const htmlInText = c['security-checks'] || c.noHtmlInMarkdown ? 'error' : 'warning'
    let refused: boolean
    try {
      const given = (c.supporting ?? []).flatMap(name => contents.get(name) ?? []).map(b => parseJson<{ url?: string }>(b))
      const questionnaire = (canonical: string) => given.find(q => q.url === canonical.split('|')[0])
      refused = check(parseJson(bytes), { htmlInText, questionnaire, searchParameter }).some(i => i.severity === 'error')
    } catch {
      refused = true
    }
    if (medplumRefuses(bytes)) peer[invalid ? 'found' : 'refused']++
    for (const key of [c.module ?? 'none', 'ALL']) {
      table[key] ??= { invalid: 0, found: 0, valid: 0, refused: 0 }
      const row = table[key]
      row[invalid ? 'invalid' : 'valid']++
      if (refused) row[invalid ? 'found' : 'refused']++
    }
  }
  for (const [module, r] of Object.entries(table))
    console.info(`validator cases, ${module}: ${r.found} of ${r.invalid} invalid found, ${r.refused} of ${r.valid} valid refused`)
  console.info(`validator cases, @medplum/core alone: ${peer.found} invalid found, ${peer.refused} valid refused`)
  expect(table.ALL!.found).toBeGreaterThanOrEqual(2 * peer.found)
  const share = (module: string): number => table[module]!.found / table[module]!.invalid
  expect(table.ALL!.invalid + table.ALL!.valid).toBeGreaterThanOrEqual(180)
  expect(share('general')).toBeGreaterThanOrEqual(0.75)
  expect(share('bundle')).toBeGreaterThanOrEqual(0.6)
  expect(share('references')).toBeGreaterThanOrEqual(0.5)
  expect(share('security')).toBe(1)
  expect(share('xhtml')).toBe(1)
  expect(table.ALL!.refused / table.ALL!.valid).toBeLessThanOrEqual(0.03)
})

corpusTest('Synthea and the US Core guide raise no false alarm', ({ files }) => {
  let n = 0
  const wrong: string[] = []
  const started = performance.now()
  for (const folder of ['fhir/synthea-r4', 'fhir/synthea-us-core'])
    for (const file of files(folder, '.json'))
      for (const resource of resourcesOf(parseJson(file.bytes))) {
        n++
        for (const path of errors(resource)) wrong.push(`${String(resource.resourceType)} ${path}`)
      }
  console.info(`checker: ${n} Synthea resources, ${Math.round((n / (performance.now() - started)) * 1000)}/s, ${wrong.length} errors`)
  expect(n).toBeGreaterThan(4000)
  expect(wrong).toEqual([])
})
