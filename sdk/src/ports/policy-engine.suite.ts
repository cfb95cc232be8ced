import { beforeAll, describe, expect, test } from 'vitest'
import { type PolicyBundle, type PolicyRequest, SCHEMA } from '#consent/policy'
import type { PolicyEngine } from './policy-engine.ts'

const NURSE = `@id("no-nurse") @en("Nurses do not read genetic data.") @de("Pflegende lesen keine genetischen Daten.")
forbid (principal == Role::"nurse", action == Action::"read", resource == Part::"genomics") when { context.purpose == Purpose::"TREAT" };`
const LONG = `@id("long") @en("Research is for a year at most.")
forbid (principal, action == Action::"grant", resource) when { context.purpose == Purpose::"HRESCH" && context.days > 365 };`

const reading: PolicyRequest = { by: { role: 'nurse' }, action: 'read', part: 'genomics', purpose: 'TREAT' }
const giving = (days: number, purpose: PolicyRequest['purpose'] = 'HRESCH'): PolicyRequest => ({
  by: { vault: 'owner' },
  action: 'grant',
  part: 'general',
  purpose,
  consent: { level: 'read', days, standing: false },
})

/** The law of `PolicyEngine`. */
export function policyEngineSuite(name: string, make: () => Promise<PolicyEngine>): void {
  describe(`PolicyEngine: ${name}`, () => {
    let engine: PolicyEngine
    beforeAll(async () => {
      engine = await make()
    })
    const bundle = (...sources: string[]): PolicyBundle => ({
      v: 1,
      name: 'test',
      schema: SCHEMA,
      policies: sources.flatMap(s => engine.split(s)),
    })
    const refused = (work: () => unknown, place: RegExp) =>
      expect(work).toThrow(expect.objectContaining({ code: 'BAD_POLICY', message: expect.stringMatching(place) }))

    test('a request is forbidden by the policies that match it, and by no others', () => {
      const { forbids } = engine.load(bundle(NURSE + LONG))
      expect(forbids(reading)).toEqual(['no-nurse'])
      expect(forbids({ ...reading, by: { role: 'physician' } })).toEqual([])
      expect(forbids({ ...reading, part: 'imaging' })).toEqual([])
      expect(forbids({ ...reading, purpose: 'CAREMGT' })).toEqual([])
      expect(forbids({ ...reading, action: 'write' })).toEqual([])
      expect([forbids(giving(365)), forbids(giving(366)), forbids(giving(366, 'TREAT'))]).toEqual([[], ['long'], []])
    })

    test('bundles loaded beside each other do not mix', () => {
      const [one, two] = [engine.load(bundle(NURSE)), engine.load(bundle(LONG))]
      expect([one.forbids(giving(400)), two.forbids(giving(400)), one.forbids(reading), two.forbids(reading)]).toEqual([
        [],
        ['long'],
        ['no-nurse'],
        [],
      ])
      expect(engine.load(bundle()).forbids(reading)).toEqual([])
    })

    test('a policy says in several languages what it is for', () => {
      expect(engine.load(bundle(NURSE)).policies).toEqual([
        { id: 'no-nurse', text: { en: 'Nurses do not read genetic data.', de: 'Pflegende lesen keine genetischen Daten.' } },
      ])
    })

    test('a policy that cannot be evaluated forbids', () => {
      const broken = `@id("sum") @en("x") forbid (principal, action == Action::"grant", resource) when { context.days * 9223372036854775807 > 0 && false };`
      expect(engine.load(bundle(broken)).forbids(giving(400))).toEqual(['sum'])
    })

    test('what permits, has slots, does not parse, does not fit the schema or has no name or words is no bundle', () => {
      const load = (...sources: string[]) => refusedBy(() => engine.load({ v: 1, name: 'x', schema: SCHEMA, policies: sources }))
      const refusedBy = (work: () => unknown) => (place: RegExp) => refused(work, place)
      load(NURSE.replace('forbid', 'permit'))(/no-nurse: A policy only forbids/)
      load(NURSE.replace('== Role::"nurse"', '== ?principal'))(/slots/)
      load('forbid (')(/./)
      load(NURSE + LONG)(/not one policy/)
      load('')(/not one policy/)
      load(NURSE.replace('"nurse"', '"nursse"'))(/nursse/)
      load(NURSE.replace('context.purpose', 'context.person'))(/person/)
      load(NURSE.replace('@id("no-nurse")', ''))(/@id/)
      load(NURSE.replace('@en', '@fr'))(/English/)
      load(NURSE, NURSE)(/named no-nurse/)
      refused(() => engine.load({ ...bundle(NURSE), schema: SCHEMA.replace('"nurse", ', '') }), /schema/)
      refused(() => engine.split('forbid ('), /./)
    })
  })
}
