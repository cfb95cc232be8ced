import { join } from 'node:path'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { openSession, type SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { fileNameOf } from '@keepwell/sdk/actions/records/export-names'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { Command } from '#command'
import { readable } from '#commands/show'
import { quietSync } from '#commands/sync'
import { withHome } from '#home'
import { byPrefix } from '#names'
import { saveStream } from '#save'
import { count, result, safe, short, table } from '#show'
import { purpose, purposeWord } from '#words'

/** Records opened with one receipt. */
const AT_ONCE = 64

export const read: Command = {
  name: 'read',
  group: 'sharing',
  summary: 'Read what someone shared with you. They get a receipt of every reading.',
  about: 'Without --record, --all or --out only the list is opened. Nothing is kept in this home; what --out writes is in your hands.',
  examples: ['keepwell read --grant 51c0', 'keepwell read --grant 51c0 --record 3f9a', 'keepwell read --grant 51c0 --all --json'],
  options: {
    grant: { type: 'string', value: 'CONSENT', about: 'Which consent; default: the only one you have.' },
    purpose: { type: 'string', value: 'WHY', about: 'What for; default: the consent’s first purpose. The other side sees it.' },
    person: { type: 'string', value: 'NAME', about: 'Who reads, for organisations: it is on the receipt.' },
    role: { type: 'string', value: 'ROLE', about: 'In which role.' },
    record: { type: 'string', multiple: true, value: 'ID', about: 'Open this record; may be given several times.' },
    all: { type: 'boolean', about: 'Open all of them.' },
    out: { type: 'string', value: 'FOLDER', about: 'Write what is opened into this folder.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      await quietSync(io, ctx)
      const named = args.text('grant')
      const all = receivedGrants(ctx).filter(g => g.terms.level !== 'write')
      ensure(
        named || all.length === 1,
        all.length ? 'USAGE' : 'NO_GRANT',
        all.length ? 'Several people share with you; say --grant CONSENT (see: keepwell shares).' : 'Nobody shares anything with you.',
      )
      const one = named ? byPrefix(all, g => g.grant.commitment, named, 'consent') : all[0]!
      const why = args.text('purpose')
      const [person, role] = [args.text('person'), args.text('role')]
      const session = await openSession(
        ctx,
        {
          grant: one.grant.commitment,
          purpose: why ? purpose(why) : one.terms.purposes[0]!,
          ...(person ? { person } : {}),
          ...(role ? { role } : {}),
        },
        done => io.progress(`${done} records …`),
      )
      try {
        const wanted = args.list('record').map(r => byPrefix(session.records, x => x.id, r, 'record'))
        const chosen = args.flag('all') || (args.text('out') && !wanted.length) ? [...session.records] : wanted
        const listed = session.records.map(r => view(r))
        if (!chosen.length) {
          result(io, args, { from: one.terms.patient, name: one.grant.name, records: listed, problems: session.problems }, () => [
            ...table(
              session.records.map(r => [
                short(r.id),
                (r.card.start ?? '').slice(0, 10),
                safe(r.card.resourceType ?? r.card.kind),
                safe(r.card.title),
              ]),
            ),
            `${count(session.records.length, 'record')} of ${safe(one.grant.name)}, for ${purposeWord(why ? purpose(why) : one.terms.purposes[0]!)}.`,
            ...session.problems.map(p => `Not opened: ${short(p.id)} (${p.code})`),
          ])
          return
        }
        const opened: (ReturnType<typeof view> & { author: string; signature: string; content: unknown })[] = []
        const out = args.text('out')
        const refused: { id: string; code: string }[] = []
        for (let at = 0; at < chosen.length; at += AT_ONCE) {
          const some = chosen.slice(at, at + AT_ONCE).map(r => r.id)
          // Whoever asks for one is told why it does not open; of several, one that is bad costs that one.
          const found = await session.open(some, chosen.length > 1 ? (id, { code }) => void refused.push({ id, code }) : undefined)
          for (const record of found) {
            const card = session.records.find(r => toHex(r.id) === toHex(record.meta.id))!
            if (out) await saveStream(join(out, fileNameOf({ id: card.id, card: card.card })), one_(record.body))
            else opened.push({ ...view(card), author: record.meta.author, signature: record.author, content: readable(card, record.body) })
          }
          io.progress(`${Math.min(at + AT_ONCE, chosen.length)} opened …`)
        }
        const written = chosen.length - refused.length
        const lost = refused.map(p => `Not opened: ${short(p.id)} (${p.code})`)
        if (out)
          result(io, args, { written, folder: out, problems: refused }, () => [`${count(written, 'record')} written to ${out}.`, ...lost])
        else
          result(io, args, { from: one.terms.patient, name: one.grant.name, records: opened, problems: refused }, () => [
            ...opened.flatMap(o => [
              `${short(toHex(o.id))}  ${safe(o.title)}  (author ${o.signature})`,
              o.content === null ? '  (not text; use --out FOLDER)' : JSON.stringify(o.content, null, 2),
              '',
            ]),
            ...lost,
          ])
      } finally {
        session.close()
      }
    }),
}

async function* one_(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

const view = (r: SessionRecord) => {
  const { salt: _s, token: _t, v: _v, ...card } = r.card
  return { id: r.id, ...card }
}
