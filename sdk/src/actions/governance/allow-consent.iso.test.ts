import { expect, test } from 'vitest'
import type { PolicyRequest } from '#consent/policy'
import { allowConsent } from './allow-consent.ts'
import type { PolicyInForce } from './policy-in-force.ts'

const BASE = { level: 'read', purposes: ['TREAT'], records: [], names: ['general'], seconds: 86_400, standing: false, by: 'owner' } as const
type Wish = Parameters<typeof allowConsent>[1]

/** Policies that forbid what a test says, and note what they were asked. */
function policies(forbid: (r: PolicyRequest & { action: 'grant' }) => boolean) {
  const asked: PolicyRequest[] = []
  const current: PolicyInForce = {
    hash: new Uint8Array(32),
    cid: 'c',
    name: 'x',
    ids: ['p'],
    judge(r) {
      asked.push(r)
      return { policy: 'c', forbids: r.action === 'grant' && forbid(r) ? ['p'] : [] }
    },
    say: (id, language = 'en') => `${id} in ${language}`,
  }
  const ctx = { policies: { inForce: async () => current, language: 'de' } }
  return { asked, allow: (more: Partial<Wish> = {}) => allowConsent(ctx, { ...BASE, purposes: [...BASE.purposes], ...more } as Wish) }
}

test('T29: a consent is given only if no policy forbids any of its parts for any of its purposes, and the reason is told in the person’s language', async () => {
  const { allow, asked } = policies(r => r.part === 'genomics' && r.purpose === 'HRESCH')
  await allow({ names: ['general', 'genomics'] })
  await expect(allow({ names: ['general', 'genomics'], purposes: ['TREAT', 'HRESCH'] })).rejects.toMatchObject({
    code: 'AGAINST_POLICY',
    message: 'p in de',
  })
  asked.length = 0
  await allow({ names: ['My diary'], seconds: 86_401, by: 'proxy', standing: true, level: 'write' })
  expect(asked).toEqual([
    { by: { vault: 'proxy' }, action: 'grant', part: 'own', purpose: 'TREAT', consent: { level: 'write', days: 2, standing: true } },
  ])
  asked.length = 0
  await allow({ records: [new Uint8Array(16)], names: [] })
  expect(asked.map(r => r.part)).toEqual(['named'])
})

test('T29: for emergencies and the patient’s own wish no policy is asked, nor where nobody looks at any', async () => {
  const { allow, asked } = policies(() => true)
  await allow({ purposes: ['ETREAT'] })
  await allow({ purposes: ['PATRQT', 'FAMRQT'], level: 'admin' })
  expect(asked).toEqual([])
  await expect(allow({ purposes: ['ETREAT', 'TREAT'] })).rejects.toMatchObject({ code: 'AGAINST_POLICY' })
  await allowConsent({}, { ...BASE, purposes: ['HRESCH'] } as unknown as Wish)
})
