import { encode } from '@keepwell/sdk/base/cbor'
import { isSensitive } from '@keepwell/sdk/base/compartments'
import { type AccessState, decide } from '@keepwell/sdk/consent/decide'
import { ACTORS, HOLDERS, PARTS, type PolicyRequest, SCHEMA, serves, withinReach } from '@keepwell/sdk/consent/policy'
import { type Breach, breachOf, type Forbids, floor, tellBreach } from '@keepwell/sdk/consent/policy-floor'
import { LEVELS, PURPOSES, type Terms } from '@keepwell/sdk/consent/terms'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { describe, expect, test } from 'vitest'
import { openCedar } from './node.ts'

const DEEP = process.env.KEEPWELL_DEEP === '1'
const engine = await openCedar()
const load = (source: string): Forbids => engine.load({ v: 1, name: 'x', schema: SCHEMA, policies: engine.split(source) }).forbids

const FLOOR = [...floor()]

function firstBreach(forbids: Forbids): Breach | null {
  for (const f of FLOOR) {
    const found = breachOf(f, forbids)
    if (found) return found
  }
  return null
}
const judged = (head: string, condition = ''): Breach | null => firstBreach(load(`@id("p") @en("p") forbid (${head}) ${condition};`))
const EXCEPT =
  'unless { context.purpose == Purpose::"ETREAT" || context.purpose == Purpose::"PATRQT" || context.purpose == Purpose::"FAMRQT" }'

describe('T29: a bundle is refused, with the request that shows it, that would', () => {
  const cases: readonly [what: string, rule: Breach['rule'], head: string, condition?: string][] = [
    ['keep owners from their own record', 'own', 'principal is Vault, action == Action::"read", resource'],
    ['keep whoever acts for them from it', 'own', 'principal == Vault::"proxy", action == Action::"write", resource'],
    ['keep an emergency waiting', 'emergency', 'principal is Role, action == Action::"read", resource == Part::"genomics"'],
    ['keep one role from an emergency', 'emergency', 'principal == Role::"billing", action == Action::"export", resource == Part::"own"'],
    [
      'forbid the consent that an emergency reads under',
      'emergency',
      'principal, action == Action::"grant", resource',
      'when { context.days > 4000 }',
    ],
    [
      'forbid what a family asks for',
      'asked',
      'principal is Role, action == Action::"export", resource',
      'unless { context.purpose == Purpose::"ETREAT" }',
    ],
    [
      'block a live consent for one role’s ordinary work',
      'live',
      'principal == Role::"nurse", action == Action::"read", resource == Part::"medications"',
      EXCEPT,
    ],
    [
      'block records that a patient named one by one',
      'live',
      'principal == Role::"physician", action == Action::"read", resource == Part::"named"',
      EXCEPT,
    ],
    [
      'block a live consent of a sensitive part for everybody',
      'shared',
      'principal is Role, action == Action::"read", resource == Part::"genomics"',
      EXCEPT,
    ],
    [
      'block research on what was consented to, there being one role for it',
      'shared',
      'principal == Role::"researcher", action == Action::"read", resource == Part::"genomics"',
      EXCEPT,
    ],
    ['forbid consents to treatment altogether', 'giving', 'principal, action == Action::"grant", resource', EXCEPT],
    [
      'forbid them beyond three weeks',
      'giving',
      'principal, action == Action::"grant", resource',
      'when { context.days > 21 && context.purpose == Purpose::"TREAT" }',
    ],
  ]
  test.for(cases)('%s', ([, rule, head, condition]) => {
    const found = judged(head, condition)
    expect(found?.rule).toBe(rule)
    expect(found?.policies).toEqual(['p'])
    expect(tellBreach(found!)).toMatch(/^[A-Z].* p would forbid (a|the) /)
  })
})

test('T29: a bundle that tightens is taken', () => {
  const tightening: readonly (readonly [head: string, condition: string])[] = [
    ['principal == Role::"nurse", action == Action::"read", resource == Part::"mental-health"', EXCEPT],
    ['principal is Role, action == Action::"export", resource', EXCEPT],
    ['principal, action == Action::"grant", resource', 'when { context.purpose == Purpose::"HRESCH" }'],
    ['principal, action == Action::"grant", resource', 'when { context.purpose == Purpose::"TREAT" && context.days > 30 }'],
    [
      'principal, action == Action::"grant", resource',
      'when { context.standing && context.sensitive && context.purpose == Purpose::"TREAT" }',
    ],
    ['principal == Role::"nurse", action == Action::"read", resource', 'when { context.purpose == Purpose::"HRESCH" }'],
  ]
  for (const [head, condition] of tightening) expect([head, judged(head, condition)]).toEqual([head, null])
})

/** Random bundles: what is taken leaves the floor alone, also where it was not tried; what is refused names a true example. */
describe('T29: of any bundle', () => {
  let [n, pool] = [0, new Uint8Array(0)]
  const byte = (): number => {
    if (n % 32 === 0) pool = new Uint8Array(sha256(encode(['floor', n])))
    return pool[n++ % 32]!
  }
  const pick = <T>(list: readonly T[]): T => list[byte() % list.length]!

  const atom = (): string =>
    pick([
      () => `context.purpose ${pick(['==', '!='])} Purpose::"${pick(PURPOSES)}"`,
      () => `resource ${pick(['==', '!='])} Part::"${pick(PARTS)}"`,
      () => 'context.sensitive',
      () => `principal == Role::"${pick(ACTORS)}"`,
      () => 'principal is Role',
      () => `(context has days && context.days > ${pick([0, 5, 30, 100, 400, 9999])})`,
      () => '(context has standing && context.standing)',
      () => `(context has level && context.level == Level::"${pick(LEVELS)}")`,
      () => `[Role::"${pick(ACTORS)}", Role::"${pick(ACTORS)}"].contains(principal)`,
    ])()
  const condition = (depth: number): string =>
    depth === 0 ? atom() : `(${condition(depth - 1)} ${pick(['&&', '&&', '||'])} ${pick(['', '!'])}(${condition(depth - 1)}))`
  const policy = (i: number): string => {
    const action = pick(['read', 'write', 'export', 'grant'])
    const who = action === 'grant' ? 'principal' : pick(['principal', 'principal is Role', `principal == Role::"${pick(ACTORS)}"`])
    const excepted = pick([true, true, true, false]) ? EXCEPT : ''
    return `@id("p${i}") @en("x") forbid (${who}, action == Action::"${action}", ${pick(['resource', `resource == Part::"${pick(PARTS)}"`])}) when { ${condition(byte() % 3)} } ${excepted};`
  }
  const request = (): PolicyRequest => {
    const [part, purpose] = [pick(PARTS), pick(PURPOSES)]
    if (byte() % 4 === 0) {
      const consent = { level: pick(LEVELS), days: (byte() * 256 + byte()) % pick([31, 31, 400, 60_000]), standing: byte() % 2 === 0 }
      return { by: { vault: pick(HOLDERS) }, action: 'grant', part, purpose, consent }
    }
    const by = byte() % 4 ? { role: pick(ACTORS) } : { vault: pick(HOLDERS) }
    return { by, action: pick(['read', 'write', 'export']), part, purpose }
  }

  test('own access, emergencies, the patient’s own wish and a live consent stay as they were; and nothing is ever added', () => {
    const counts = { taken: 0, refused: 0 }
    for (let round = 0; round < (DEEP ? 3000 : 40); round++) {
      let source = Array.from({ length: 1 + (byte() % 3) }, (_, i) => policy(i)).join('\n')
      let forbids: Forbids
      try {
        forbids = load(source)
      } catch {
        source = policy(0).replace(/when \{.*?\} unless/, 'unless')
        forbids = load(
          source.includes('unless')
            ? source
            : `@id("p0") @en("x") forbid (principal is Role, action == Action::"export", resource) ${EXCEPT};`,
        )
      }
      const breach = firstBreach(forbids)
      if (breach) {
        counts.refused++
        expect(breach.policies.length).toBeGreaterThan(0)
        if (breach.rule !== 'shared') expect(forbids(breach.request)).toEqual(breach.policies)
        continue
      }
      counts.taken++
      for (let i = 0; i < 200; i++) {
        const r = request()
        const wrong = wrongAt(r, forbids)
        if (wrong) expect.fail(`${wrong}: ${JSON.stringify(r)} under ${source}`)
      }
    }
    console.info(`floor: ${counts.taken} bundles taken, ${counts.refused} refused`)
    expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(5)
  })

  /** What is wrong with a taken bundle at this request; null for nothing. */
  function wrongAt(r: PolicyRequest, forbids: Forbids): string | null {
    const found = forbids(r)
    const urgent = ['ETREAT', 'PATRQT', 'FAMRQT'].includes(r.purpose)
    const own = r.action !== 'grant' && 'vault' in r.by
    const wish = urgent && (r.action !== 'grant' || r.consent.days <= 30)
    const ordinary = (r.action === 'read' || r.action === 'write') && 'role' in r.by && !isSensitive(r.part) && serves(r.by.role, r.purpose)
    if ((own || wish || ordinary) && found.length) return 'forbidden'
    if (withinReach(r) && (own || urgent || ordinary)) return 'asked at all'
    return throughDecision(r, urgent, found)
  }

  /** Never more than the consent alone, and as much in an emergency. */
  function throughDecision(r: PolicyRequest, urgent: boolean, found: readonly string[]): string | null {
    const terms = { grantee: 'b', level: 'read', purposes: [r.purpose], compartments: [], records: [], notBefore: 0, expiry: 9 }
    const state: AccessState = {
      now: pick([1, 10]),
      slot: { notBefore: 0, expiry: 9, level: 1, state: 'live' },
      revoked: false,
      ledgerAge: 0,
      credential: 'none-needed',
    }
    const asked = { action: 'open', reader: 'b', purpose: r.purpose, records: [], compartments: [] } as const
    const without = decide(terms as unknown as Terms, asked, state)
    const under = decide(terms as unknown as Terms, asked, { ...state, policy: { policy: 'c', forbids: [...found, 'p'] } })
    if (under.allow && !without.allow) return 'added'
    if (urgent && under.allow !== without.allow) return 'kept waiting'
    return urgent || under.reasons.includes('policy') ? null : 'not kept'
  }
})
