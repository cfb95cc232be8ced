import { readFile } from 'node:fs/promises'
import { openWeb } from '@keepwell/adapters/web/fetch'
import { openLink, type SeenCard } from '@keepwell/sdk/actions/access/open-link'
import { type Received, receiveCards, receiveOpened } from '@keepwell/sdk/actions/access/receive-link'
import { ensure } from '@keepwell/sdk/base/error'
import { fromNumeric } from '@keepwell/sdk/health/shc/qr'
import type { Args, Command } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { count, result, safe } from '#show'

export const receive: Command = {
  name: 'receive',
  group: 'records',
  takes: 'LINK | FILE | CODE…',
  summary: 'Take in what a SMART Health Link or a SMART Health Card holds.',
  about:
    'A link (shlink:/…) is opened and what it shows is taken in; a card (a .smart-health-card file, or the shc:/ text of its codes) is checked first.\n' +
    'A card counts when its issuer’s published key signed it, it holds now, and it was not revoked; who the issuer is, is for you to judge.',
  examples: ['keepwell receive shlink:/eyJ1cmwi… --passcode 4711', 'keepwell receive vaccination.smart-health-card'],
  options: { passcode: { type: 'string', value: 'TEXT', about: 'Of a link that asks for one.' } },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const [first] = args.positionals
      ensure(first, 'USAGE', 'Say what to take in: a link, a file, or the text of a code.')
      const receiving = { ...ctx, web: openWeb() }
      const progress = (done: number): void => io.progress(`${done} taken …`)
      if (/shlink:\//.test(first)) {
        const passcode = args.text('passcode')
        const recipient = ctx.session.state.ring.name
        const opened = await openLink(receiving, { link: first, recipient, ...(passcode === undefined ? {} : { passcode }) })
        return told(io, args, await receiveOpened(receiving, opened, progress))
      }
      return told(io, args, await receiveCards(receiving, await cardText(args.positionals), progress))
    }),
}

async function cardText(given: readonly string[]): Promise<string> {
  if (!given[0]!.startsWith('shc:/')) return readFile(given[0]!, 'utf8')
  const jws = fromNumeric(given)
  ensure(jws, 'BAD_INPUT', 'Those are not all codes of one card.')
  return jws
}

const about = ({ verdict, revoked }: SeenCard): string => {
  if (revoked) return 'A card was revoked by its issuer; it was not taken in.'
  if (!verdict.ok) return `A card was not taken in: ${verdict.problem}.`
  return `A card of ${safe(verdict.card.iss)} holds.`
}

function told(io: Io, args: Args, { verdicts, cards }: Received): number {
  const taken = verdicts.filter(v => v.outcome.startsWith('taken')).length
  const there = verdicts.filter(v => v.outcome === 'already-there').length
  const refused = cards.filter(c => !c.verdict.ok || c.revoked).length
  const summary = {
    taken,
    alreadyThere: there,
    cards: cards.map(c => ({ ...(c.verdict.ok ? { iss: c.verdict.card.iss } : { problem: c.verdict.problem }), revoked: c.revoked })),
  }
  result(io, args, summary, () => [...cards.map(about), `${count(taken, 'record')} taken in${there ? `, ${there} there already` : ''}.`])
  return refused && !taken && !there ? 3 : 0
}
