import { readIfThere } from '@keepwell/daemon/bin/files'
import { apiKeyFile } from '@keepwell/daemon/bin/gateway-keys'
import { readApiKeys } from '@keepwell/daemon/gateway/core/api-keys'
import { checkCredential } from '@keepwell/sdk/actions/access/check-credential'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { invite } from '@keepwell/sdk/actions/access/invite'
import { ownCredentials } from '@keepwell/sdk/actions/access/own-credentials'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { homeRelay } from '@keepwell/sdk/actions/vault/calls'
import type { Args } from '#command'
import { STATES } from '#commands/credential'
import { type Home, withHome } from '#home'
import type { Io } from '#io'
import { count, result, safe } from '#show'

/** One step of becoming an organisation that patients can grant to: whether it is done, and what to do otherwise. */
type Step = { readonly step: string; readonly done: boolean; readonly says: string; readonly next?: string }

/** Leads an organisation from its keys to its first patient, one step after the other; run it as often as you like. */
export const onboard = (io: Io, args: Args): Promise<void> =>
  withHome(io, args, async home => {
    await receiveMessages(home.ctx)
    const steps = [await keys(home), await reach(home), await vouched(home), await systems(home), await patients(io, home)]
    const next = steps.find(s => !s.done)
    result(io, args, { steps, ready: !next }, () => [
      ...steps.map(s => `${s.done ? '✓' : '·'} ${s.step}: ${s.says}`),
      '',
      ...(next ? [`Next: ${next.next ?? ''}`] : ['The organisation is ready: keepwell gateway']),
    ])
  })

const keys = async ({ ctx }: Home): Promise<Step> => {
  const { ring } = ctx.session.state
  return { step: 'Keys', done: true, says: `${safe(ring.name)}, ${ring.did}, on ${count(ring.devices.length, 'machine')}` }
}

async function reach({ ctx, url }: Home): Promise<Step> {
  const info = await homeRelay(ctx).then(
    r => r.info(),
    () => null,
  )
  const said = info
    ? { done: true, says: `${url} answers` }
    : { done: false, says: `${url} does not answer`, next: 'keepwell start, or see to the network' }
  return { step: 'Relay', ...said }
}

/** Several may be kept; one that counts will do. */
async function vouched({ ctx }: Home): Promise<Step> {
  const step = 'Credential'
  const { did } = ctx.session.state.ring
  const own = ownCredentials(ctx)
  for (const c of own)
    if ((await checkCredential(ctx, c, did)) === 'live') return { step, done: true, says: `${c.role} ${safe(c.name)}: ${STATES.live}` }
  const next = `ask an issuer of the ledger to run: keepwell credential issue --to ${did} --name "…" --role HOSPITAL; then: keepwell credential add CREDENTIAL`
  return { step, done: false, says: own.length ? STATES.ended : 'nobody vouches for this identity yet', next }
}

async function systems({ dir }: Home): Promise<Step> {
  const made = readApiKeys(await readIfThere(apiKeyFile(dir)))
  const says = made.length ? `${count(made.length, 'system')} may ask the gateway` : 'no system may ask the gateway yet'
  return { step: 'Systems', done: made.length > 0, says, next: 'keepwell gateway key add --name "Ward system"' }
}

async function patients(io: Io, { ctx }: Home): Promise<Step> {
  const live = receivedGrants(ctx).filter(g => g.terms.expiry > io.clock())
  const givers = new Set(live.map(g => g.terms.patient)).size
  if (givers) return { step: 'First consent', done: true, says: `${count(givers, 'patient')} gave one` }
  const link = await invite(ctx, {})
  return { step: 'First consent', done: false, says: 'no patient gave one yet', next: `let a patient read this link, once: ${link}` }
}
