import { openWeb } from '@keepwell/adapters/web/fetch'
import { checkCards, type SeenCard } from '@keepwell/sdk/actions/access/open-link'
import { receiveCards } from '@keepwell/sdk/actions/access/receive-link'
import { ensure } from '@keepwell/sdk/base/error'
import { facts } from '@keepwell/sdk/health/fhir/facts'
import { lineOf } from '@keepwell/sdk/health/fhir/ips/section-text'
import { field, isObject, type JsonObject, list } from '@keepwell/sdk/health/fhir/read'
import { chunksOf, fromNumeric, toNumeric } from '@keepwell/sdk/health/shc/qr'
import { loadNames, type NameOf, withNames } from '@keepwell/sdk/health/terminology/names'
import type { CardPart, CardsRead, CardView, LinkLine } from '#rpc/links.ts'
import { clock } from './platform.ts'
import type { OpenVault } from './vault.ts'

const opening = { web: openWeb(), clock }

const MAX_LINES = 500

export const resourcesOf = (value: unknown): JsonObject[] =>
  field(value, 'resourceType') === 'Bundle'
    ? list(field(value, 'entry'))
        .map(e => field(e, 'resource'))
        .filter(isObject)
    : isObject(value)
      ? [value]
      : []

export const linesOf = (resources: readonly JsonObject[]): LinkLine[] => resources.slice(0, MAX_LINES).map(r => lineOf(r, facts(r).title))

/** Cards carry codes without their names; those that are known are said. */
export const cardView =
  (nameOf: NameOf) =>
  ({ jws, verdict, revoked }: SeenCard): CardView => {
    const card = verdict.card
    const holds = verdict.ok && !revoked
    const problem = revoked ? 'revoked' : verdict.ok ? null : verdict.problem
    const lines = holds && card ? linesOf(resourcesOf(withNames(card.bundle, nameOf))) : []
    return { issuer: card?.iss ?? '', holds, problem, lines, codes: toNumeric(jws) }
  }

/** What was given, as one text: a file's, or all codes of one card. How many are still wanted, where some are. */
function contentOf(given: readonly string[]): string | CardPart {
  const texts = given.flatMap(text => text.trim().split(/\s+(?=shc:\/)/))
  const codes = [...new Set(texts.filter(text => text.startsWith('shc:/')))]
  if (codes.length === 0) return texts.join('')
  const whole = fromNumeric(codes)
  if (whole !== null) return whole
  const of = chunksOf(codes[0]!)
  ensure(of !== null && codes.every(c => chunksOf(c) === of) && codes.length < of, 'BAD_INPUT', 'Those are not all codes of one card.')
  return { kind: 'part', have: codes.length, of }
}

/** Reads a card and checks it with its issuer's keys; needs no open record. BAD_INPUT where there is none. */
export async function readCard(given: readonly string[]): Promise<CardPart | CardsRead> {
  const content = contentOf(given)
  if (typeof content !== 'string') return content
  const seen = await checkCards(opening, content)
  ensure(seen.length > 0, 'BAD_INPUT', 'That is no health card.')
  return { kind: 'cards', content, cards: seen.map(cardView(await loadNames())) }
}

/** Files what holds of it: its content as records, and the signed text itself. */
export async function takeCard(vault: OpenVault, content: string): Promise<{ taken: number; already: number }> {
  const { verdicts } = await vault.run(ctx => receiveCards({ ...ctx, web: opening.web }, content))
  await vault.filed().catch(() => {})
  const count = (test: (outcome: string) => boolean): number => verdicts.filter(v => test(v.outcome)).length
  return { taken: count(o => o.startsWith('taken')), already: count(o => o === 'already-there') }
}
