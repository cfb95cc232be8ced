import type { Progress } from '#actions/context'
import type { ImportItem, Verdict } from '#actions/records/import-item'
import { importItems } from '#actions/records/import-items'
import { text, utf8 } from '#base/bytes'
import { nameUuid } from '#crypto/name-uuid'
import { type CardPayload, unpacked } from '#health/shc/card'
import { checkCards, type OpenedLink, type Opening, type SeenCard } from './open-link.ts'

type Receiving = Opening & Parameters<typeof importItems>[0]

export type Received = {
  readonly verdicts: readonly Verdict[]
  /** Every card that was there; those that do not hold were not taken in. */
  readonly cards: readonly SeenCard[]
}

const itemOf = (name: string, bytes: Uint8Array): ImportItem => ({
  name,
  size: bytes.length,
  async *chunks() {
    yield bytes
  },
})

/** As people look for it: who issued it, and when. */
const titleOf = ({ iss, nbf }: CardPayload): string =>
  `Health card, ${new URL(iss).hostname}, ${new Date(Math.max(0, nbf) * 1000).toISOString().slice(0, 10)}`

/** What goes into the record of a card that holds: its content, and the signed text itself, which proves it to others later. */
function itemsOfCard({ jws, verdict, revoked }: SeenCard): ImportItem[] {
  if (!verdict.ok || revoked) return []
  const name = nameUuid(jws)
  const bundle = unpacked(verdict.card, i => `urn:uuid:${nameUuid(`${jws}/${i}`)}`)
  return [
    itemOf(`card-${name}.json`, utf8(JSON.stringify(bundle))),
    itemOf(`${titleOf(verdict.card)}.smart-health-card`, utf8(JSON.stringify({ verifiableCredential: [jws] }))),
  ]
}

async function taken(ctx: Receiving, items: readonly ImportItem[], progress?: Progress): Promise<Verdict[]> {
  const source = (async function* () {
    yield* items
  })()
  const verdicts: Verdict[] = []
  for await (const v of importItems(ctx, source, progress ? { progress } : {})) verdicts.push(v)
  return verdicts
}

/** Takes cards into the record: as a file, a scanned text, or an operation's answer. Running it again takes nothing twice. */
export async function receiveCards(ctx: Receiving, content: string, progress?: Progress): Promise<Received> {
  const cards = await checkCards(ctx, content)
  return { cards, verdicts: await taken(ctx, cards.flatMap(itemsOfCard), progress) }
}

/** Takes what a link showed into the record: FHIR as it came, cards where they hold. Files of other types are kept as documents. */
export async function receiveOpened(ctx: Receiving, opened: Pick<OpenedLink, 'files'>, progress?: Progress): Promise<Received> {
  const cards: SeenCard[] = []
  const items: ImportItem[] = []
  for (const [i, { type, body }] of opened.files.entries()) {
    if (type !== 'application/smart-health-card') {
      items.push(itemOf(`link-${i + 1}.json`, body))
      continue
    }
    const found = await checkCards(ctx, text(body))
    cards.push(...found)
    items.push(...found.flatMap(itemsOfCard))
  }
  return { cards, verdicts: await taken(ctx, items, progress) }
}
