import { entryOf } from '@keepwell/sdk/actions/records/list-entries'
import { openRecordStream, openRecords } from '@keepwell/sdk/actions/records/open-record'
import { selectEntries } from '@keepwell/sdk/actions/records/select-entries'
import { text, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { careDate } from '@keepwell/sdk/records/timeline'
import { latestOf, ownVersions, versionsOf } from '@keepwell/sdk/records/versions'
import { compartmentOf } from '#choose'
import type { Command } from '#command'
import { described } from '#commands/list'
import { withHome } from '#home'
import { entryNamed, nameOf } from '#names'
import { saveStream } from '#save'
import { bytesOf, day, result, safe, short, when } from '#show'

/** Larger records are not shown on a terminal. */
const SHOWN = 1 << 20

export const show: Command = {
  name: 'show',
  group: 'records',
  takes: 'ID',
  summary: 'Open one record.',
  examples: ['keepwell show 3f9a', 'keepwell show 3f9a --raw > scan.dcm'],
  options: {
    raw: { type: 'boolean', about: 'Write the record’s bytes, exactly as they were taken in, to standard output.' },
    out: { type: 'string', value: 'FILE', about: 'Write them to this new file instead.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const { ring } = ctx.session.state
      const entry = await entryNamed(ctx, args.one('ID'))
      const out = args.text('out')
      if (out || args.flag('raw')) {
        const ranges = await openRecordStream(ctx, entry)
        const body = ranges.read(0, entry.card.size)
        if (out) {
          await saveStream(out, body)
          io.note(`${bytesOf(entry.card.size)} written to ${out}.`)
        } else {
          ensure(
            !io.terminal.out || entry.card.mediaType.includes('json') || entry.card.mediaType.startsWith('text/'),
            'USAGE',
            'This record is not text; write it to a file with --out FILE.',
          )
          for await (const part of body) await io.write(part)
        }
        return
      }
      const head = headOf(entry)
      const versions = await selectEntries(ctx, e => e.card.prior !== undefined)
      const prior = entry.card.prior && (await entryOf(ctx, entry.card.prior))
      const around = [...(prior ? [prior] : []), entry, ...versions]
      const { replaced, beside } = versionsOf(new Map(around.map(e => [toHex(e.id), e])).values(), ownVersions(ring.did))
      const newer = latestOf(toHex(entry.id), replaced)
      const notes = beside.get(toHex(entry.id)) ?? []
      const amends = prior && !replaced.get(toHex(prior.id)) ? prior : null
      if (entry.card.size > SHOWN) {
        result(io, args, described(ring, entry), () => [
          ...lines(),
          '',
          `The content has ${bytesOf(entry.card.size)}; write it to a file with --out FILE.`,
        ])
        return
      }
      const [opened] = await openRecords(ctx, [entry.id])
      ensure(opened, 'NOT_FOUND', 'The record is not at the relay.')
      const content = readable(entry, opened.body)
      result(io, args, { ...described(ring, entry), attributes: opened.meta.attributes ?? {}, content }, () => [
        ...lines(),
        ...Object.entries(opened.meta.attributes ?? {}).map(([k, v]) => `  ${k.padEnd(12)} ${safe(v)}`),
        '',
        ...(content === null
          ? [`The content is ${entry.card.mediaType}, ${bytesOf(entry.card.size)}; write it to a file with --out FILE.`]
          : shownText(content)),
      ])

      function lines(): string[] {
        return [
          safe(entry.card.title),
          `  id           ${toHex(entry.id)}`,
          `  date         ${careDate(entry).slice(0, 10)}`,
          `  compartment  ${compartmentOf(ring, entry)}`,
          `  kind         ${head}`,
          `  author       ${nameOf(ring, entry.card.author)} (${entry.state})`,
          ...(newer
            ? [`  CORRECTED    on ${day(newer.filedAt)} by ${nameOf(ring, newer.card.author)}: keepwell show ${short(newer.id)}`]
            : []),
          ...notes.map(
            e =>
              `  beside       an amendment of ${day(e.filedAt)} by ${nameOf(ring, e.card.author)}, not its author: keepwell show ${short(e.id)}`,
          ),
          ...(amends
            ? [`  amends       what ${nameOf(ring, amends.card.author)} wrote, and stands beside it: keepwell show ${short(amends.id)}`]
            : []),
          ...(entry.card.held
            ? ['  content      lies at its author’s, who is asked for it, sees who opens it, and keeps its original']
            : []),
          `  anchored     ${entry.anchoredAt ? when(entry.anchoredAt) : 'not confirmed yet; see keepwell sync'}`,
        ]
      }
    }),
}

const headOf = ({ card }: Entry): string => `${safe(card.resourceType ?? card.kind)}, ${card.mediaType}, ${bytesOf(card.size)}`

/** Text content, parsed when it is JSON; null for anything else. */
export function readable(e: Pick<Entry, 'card'>, body: Uint8Array): unknown {
  const { mediaType } = e.card
  if (!/json|^text\/|xml|hl7/.test(mediaType)) return null
  try {
    const content = text(body)
    return mediaType.includes('json') && !mediaType.includes('ndjson') ? JSON.parse(content) : content
  } catch {
    return null
  }
}

const shownText = (content: unknown): string[] =>
  (typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    .split(/\r\n|\n|\r/)
    .map(l => l.replace(/[\p{Cc}\p{Cf}]/gu, ' '))
