import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { samplePatient } from '#sample/patient'
import { corpus } from '../../../../tools/corpora.ts'
import { fromXml, toXml } from './xml.ts'

const PATIENT = {
  resourceType: 'Patient',
  id: 'x',
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><b>a</b> <i>&#233; &lt;</i></div>' },
  extension: [{ url: 'http://e.test/x', valueString: 'a "quoted" <b>&\nline' }],
  active: true,
  name: [{ given: ['A', 'B'], _given: [null, { extension: [{ url: 'http://e.test/y', valueBoolean: false }] }] }],
  _birthDate: { extension: [{ url: 'http://e.test/absent', valueCode: 'unknown' }] },
  multipleBirthInteger: 2,
  contained: [{ resourceType: 'Organization', id: 'o', name: 'O' }],
}

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (e: { code?: string }) => e.code ?? String(e),
  )
const inXml = (inner: string) => `<Patient xmlns="http://hl7.org/fhir">${inner}</Patient>`

describe('FHIR XML', () => {
  test('comes back as it went: narratives, extensions of primitives, contained resources, numbers and truth values', async () => {
    expect(await fromXml(await toXml(PATIENT))).toEqual(PATIENT)
  })

  test('follows the order that the definitions have, whatever the order of the JSON', async () => {
    const xml = await toXml({ birthDate: '2000', active: true, id: 'x', resourceType: 'Patient' })
    expect(xml).toContain('<id value="x"/><active value="true"/><birthDate value="2000"/>')
  })

  test('sample resources of every kind come back as they went', async () => {
    let count = 0
    for (const resource of samplePatient('xml', { resources: 300, now: 1_790_000_000 })) {
      expect(await fromXml(await toXml(resource as never))).toEqual(resource)
      count++
    }
    expect(count).toBeGreaterThanOrEqual(300)
  })

  test('no document type, no entity, nothing that is not well-formed or that R4 does not know is taken', async () => {
    const bad = [
      '<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"><id value="&x;"/></Patient>',
      inXml('<id value="&x;"/>'),
      inXml('<id value="a"/><id value="b"/>'),
      inXml('<idd value="a"/>'),
      inXml('<active value="maybe"/>'),
      inXml('<multipleBirthInteger value="0x10"/>'),
      inXml('<name><given value="a"/></nam></name>'),
      inXml('text'),
      '<Patient><id value="a"/></Patient>',
      '<Nothing xmlns="http://hl7.org/fhir"/>',
      `${inXml('')}${inXml('')}`,
      inXml('<name'),
      '',
    ]
    for (const xml of bad) expect([xml, await code(fromXml(xml))]).toEqual([xml, 'BAD_INPUT'])
    const deep = '<extension url="x">'.repeat(300)
    expect(await code(fromXml(inXml(deep)))).toBe('TOO_LARGE')
  })

  test('a narrative that would break out of its element is not written', async () => {
    const div = '<div xmlns="http://www.w3.org/1999/xhtml">x</div></text><active value="false"/><text><div/>'
    expect(await code(toXml({ resourceType: 'Patient', text: { status: 'generated', div } }))).toBe('NOT_SUPPORTED')
    expect(await code(toXml({ resourceType: 'Patient', surprise: 1 }))).toBe('NOT_SUPPORTED')
  })

  test('random damage is refused or read, never thrown as anything else', async () => {
    const xml = await toXml(PATIENT)
    let seed = 7
    const next = (max: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % max
    }
    for (let i = 0; i < (process.env.KEEPWELL_DEEP === '1' ? 100_000 : 2000); i++) {
      const at = next(xml.length)
      const cut = xml.slice(0, at) + '<>&"/= ;!['.charAt(next(10)) + xml.slice(at + next(6))
      expect(['no error', 'BAD_INPUT', 'TOO_LARGE']).toContain(await code(fromXml(cut)))
    }
  })
})

const examples = corpus('clinical/fhir/hl7-r4-examples')
describe.skipIf(!examples)(`HL7’s R4 examples${examples ? '' : ' (skipped: the corpora are not on this machine)'}`, () => {
  test('JSON comes back through XML, and XML through JSON', async () => {
    const files = readdirSync(examples!)
    let json = 0
    let xml = 0
    const failed: string[] = []
    for (const file of files) {
      const text = readFileSync(join(examples!, file), 'utf8')
      try {
        if (file.endsWith('.json')) {
          const { fhir_comments: _c, ...resource } = JSON.parse(text)
          expect(await fromXml(await toXml(resource))).toEqual(resource)
          json++
        } else if (file.endsWith('.xml')) {
          const resource = await fromXml(text)
          expect(await fromXml(await toXml(resource))).toEqual(resource)
          xml++
        }
      } catch (e) {
        failed.push(`${file}: ${String(e).slice(0, 300)}`)
      }
    }
    console.log(`HL7 R4 examples: ${json} of JSON and ${xml} of XML came back as they went; ${failed.length} did not`)
    expect(failed).toEqual([])
  })
})
