import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { trustVouched } from '@keepwell/sdk/actions/access/trust-vouched'
import { dropRequests, waitingRequests } from '@keepwell/sdk/actions/access/waiting-requests'
import { toHex } from '@keepwell/sdk/base/bytes'
import { COMPARTMENTS } from '@keepwell/sdk/base/compartments'
import { ensure } from '@keepwell/sdk/base/error'
import type { Command } from '#command'
import { STATES } from '#commands/credential'
import { arrivalLine, takeMessages } from '#commands/sync'
import { withHome } from '#home'
import { byPrefix, partyNamed } from '#names'
import { day, result, safe, short } from '#show'
import { level, purpose, purposeWord, seconds } from '#words'

export const request: Command = {
  name: 'request',
  group: 'sharing',
  summary: 'Ask someone for access to a part of their record.',
  examples: ['keepwell request --from "Ada Example" --compartment laboratory --purpose treatment --for 90d'],
  options: {
    from: { type: 'string', value: 'WHO', about: 'Whom to ask: a contact’s name, or a DID.' },
    purpose: { type: 'string', value: 'WHY', about: 'What for: treatment, research, coverage, …' },
    for: { type: 'string', value: 'TIME', about: 'For how long: 90d, 6m, 1y.' },
    compartment: { type: 'string', multiple: true, value: 'NAME', about: 'Which part; may be given several times; default general.' },
    level: { type: 'string', value: 'LEVEL', about: 'read (default), write or admin.' },
    text: { type: 'string', value: 'TEXT', about: 'A sentence in your own words.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const wanted = args.list('compartment').length ? args.list('compartment') : ['general']
      for (const c of wanted)
        ensure(c.length <= 80, 'USAGE', `There is no compartment "${c.slice(0, 40)}"; usual ones are ${COMPARTMENTS.join(', ')}.`)
      const from = partyNamed(ctx.session.state.ring, args.need('from'))
      const asked = {
        from,
        purpose: purpose(args.need('purpose')),
        level: level(args.text('level') ?? 'read'),
        compartments: [...wanted],
        seconds: seconds(args.need('for')),
        text: args.text('text') ?? '',
      }
      await requestAccess(ctx, asked)
      result(io, args, asked, () => ['The request was left in their mailbox; they see it after their next sync.'])
    }),
}

export const requests: Command = {
  name: 'requests',
  group: 'sharing',
  summary: 'Show who asks for access and waits for an answer.',
  options: {
    decline: { type: 'string', value: 'ID', about: 'Forget this request. Nobody is told.' },
    trust: { type: 'string', value: 'ID', about: 'Make a contact of who asks, on the word of the issuer that vouches for them.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      for (const a of await takeMessages(ctx)) if (a.kind !== 'request') io.note(arrivalLine(a))
      const decline = args.text('decline')
      if (decline) {
        const one = byPrefix(await waitingRequests(ctx), r => r.id, decline, 'request')
        await dropRequests(ctx, r => toHex(r.id) === toHex(one.id))
      }
      const trust = args.text('trust')
      if (trust) {
        const { did, relays = [], request: asked } = byPrefix(await waitingRequests(ctx), r => r.id, trust, 'request')
        ensure(asked.credential, 'UNVERIFIED', 'Nobody vouches for who asks there; exchange an invitation first.')
        await trustVouched(ctx, { did, credential: asked.credential, relays })
      }
      const waiting = await waitingRequests(ctx)
      result(io, args, { requests: waiting }, () => (waiting.length ? waiting.flatMap(lines) : ['Nobody waits for an answer.']))
    }),
}

const lines = ({ id, name, verified, did, at, vouched, request: r }: Awaited<ReturnType<typeof waitingRequests>>[number]): string[] => [
  `${short(id)}  ${safe(name)}${verified ? '' : '  (NOT VERIFIED: exchange an invitation first)'}, ${day(at)}`,
  ...(r.credential ? [`  shows a credential as ${r.credential.role} ${safe(r.credential.name)}: ${STATES[vouched ?? 'false']}`] : []),
  `  asks to ${r.level} ${r.compartments.map(safe).join(', ')} for ${purposeWord(r.purpose)}, ${Math.round(r.seconds / 86_400)} days`,
  ...(r.text ? [`  “${safe(r.text)}”`] : []),
  `  to agree: keepwell share --to ${did} ${r.compartments.map(c => `--compartment ${safe(c)}`).join(' ')} --purpose ${purposeWord(r.purpose)} --until ${Math.max(1, Math.round(r.seconds / 86_400))}d${r.level === 'read' ? '' : ` --level ${r.level}`}`,
]
