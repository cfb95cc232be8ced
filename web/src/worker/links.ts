import { openWeb } from '@keepwell/adapters/web/fetch'
import { checkCards, type OpenedLink, openLink, PasscodeNeeded } from '@keepwell/sdk/actions/access/open-link'
import { endLink, ownLinks } from '@keepwell/sdk/actions/access/own-links'
import { receiveOpened } from '@keepwell/sdk/actions/access/receive-link'
import { shareLink } from '@keepwell/sdk/actions/access/share-link'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { readSummary } from '@keepwell/sdk/health/fhir/ips/read-summary'
import { isObject } from '@keepwell/sdk/health/fhir/read'
import { loadNames, withNames } from '@keepwell/sdk/health/terminology/names'
import { withViewer } from '@keepwell/sdk/wire/shlink'
import type { LinkAsks, LinkContent, LinkView, NewLink, OpenLinkInput } from '#rpc/links.ts'
import { cardView, linesOf, resourcesOf } from './health-cards.ts'
import { summaryEntries } from './patient-summary.ts'
import { clock } from './platform.ts'
import type { OpenVault } from './vault.ts'

const web = openWeb()
const opening = { web, clock }

export async function links({ ctx }: OpenVault, origin: string): Promise<LinkView[]> {
  return (await ownLinks(ctx)).map(({ id, link, expiry, lasting: _, ...l }) => ({
    ...l,
    id: toHex(id),
    link: link && withViewer(link, `${origin}/`),
    until: expiry,
  }))
}

/** A link to the summary of the chosen parts. The whole of a record is never given this way. */
export async function makeLink(vault: OpenVault, origin: string, input: NewLink): Promise<LinkView> {
  const { id } = await shareLink(vault.ctx, {
    summary: summaryEntries(vault, input.parts),
    records: [],
    label: input.label,
    expiry: input.until,
    ...(input.passcode ? { passcode: input.passcode } : {}),
  })
  const made = (await links(vault, origin)).find(l => l.id === toHex(id))
  ensure(made, 'NOT_FOUND', 'The link is not at the relay.')
  return made
}

export const stopLink = ({ ctx }: OpenVault, id: string): Promise<void> => endLink(ctx, fromHex(id))

/** What was opened last, so that it can be taken in without asking its server twice. */
let last: OpenedLink | null = null

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}

/** Opens anybody's link, without a record of one's own. */
export async function readLink({ link, recipient, passcode }: OpenLinkInput): Promise<LinkContent | LinkAsks> {
  try {
    last = await openLink(opening, { link, recipient, ...(passcode ? { passcode } : {}) })
  } catch (e) {
    if (e instanceof PasscodeNeeded) return { asks: 'passcode', wrong: passcode !== '', remaining: e.remaining }
    throw e
  }
  const nameOf = await loadNames()
  const content: { -readonly [K in keyof LinkContent]: LinkContent[K] } = {
    label: last.label,
    summaries: [],
    cards: [],
    records: [],
    files: [],
  }
  for (const { type, body } of last.files) {
    content.files = [...content.files, { type, bytes: body.slice() }]
    if (type === 'application/smart-health-card') {
      content.cards = [...content.cards, ...(await checkCards(opening, new TextDecoder().decode(body))).map(cardView(nameOf))]
      continue
    }
    const value = parsed(body)
    const named = isObject(value) ? withNames(value, nameOf) : value
    const summary = readSummary(named)
    if (summary) content.summaries = [...content.summaries, summary]
    else content.records = [...content.records, ...linesOf(resourcesOf(named))]
  }
  return content
}

/** Takes what was opened last into the own record. */
export async function takeLink({ ctx }: OpenVault): Promise<{ taken: number; already: number }> {
  ensure(last, 'NOT_FOUND', 'Open the link first.')
  const { verdicts } = await receiveOpened({ ...ctx, web }, last)
  const count = (test: (outcome: string) => boolean): number => verdicts.filter(v => test(v.outcome)).length
  return { taken: count(o => o.startsWith('taken')), already: count(o => o === 'already-there') }
}
