import type { Ctx } from '#actions/context'
import { KeepwellError } from '#base/error'
import { beyondPolicy, type Part, type PolicyRequest, partOf } from '#consent/policy'
import type { Terms } from '#consent/terms'

type Wish = Pick<Terms, 'level' | 'purposes' | 'records'> & {
  /** Names of the compartments. */
  readonly names: readonly string[]
  readonly seconds: number
  /** By a standing rule, nobody having been asked. */
  readonly standing: boolean
  readonly by: 'owner' | 'proxy'
}

const DAY = 86_400

/**
 * Looks at a consent before it is given, part by part and purpose by purpose, where this party looks at policies at all. Throws AGAINST_POLICY in
 * the policies' own words; never for emergencies and the patient's own wish, for which nothing is even asked.
 */
export async function allowConsent({ policies }: Pick<Ctx, 'policies'>, wish: Wish): Promise<void> {
  const purposes = wish.purposes.filter(p => !beyondPolicy(p))
  const current = purposes.length ? await policies?.inForce() : null
  if (!current) return
  const parts: readonly Part[] = wish.records.length ? ['named'] : wish.names.map(partOf)
  const consent = { level: wish.level, days: Math.ceil(wish.seconds / DAY), standing: wish.standing }
  const asked = parts.flatMap(part =>
    purposes.map((purpose): PolicyRequest => ({ by: { vault: wish.by }, action: 'grant', part, purpose, consent })),
  )
  const forbids = [...new Set(asked.flatMap(r => current.judge(r).forbids))]
  if (forbids.length === 0) return
  const said = forbids.map(id => current.say(id, policies?.language))
  throw new KeepwellError('AGAINST_POLICY', said.join(' '))
}
