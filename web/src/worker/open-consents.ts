import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { openSession, type ReadingSession, type SessionInput } from '@keepwell/sdk/actions/access/open-session'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'

/** Opens the consents of one share, those that let read, as one session: many named records are several consents. */
export async function openConsents(ctx: Ctx, consents: readonly string[], input: Omit<SessionInput, 'grant'>): Promise<ReadingSession> {
  const readable = receivedGrants(ctx).filter(g => consents.includes(toHex(g.grant.commitment)) && g.terms.level !== 'write')
  const sessions: ReadingSession[] = []
  for (const { grant } of readable) sessions.push(await openSession(ctx, { ...input, grant: grant.commitment }))
  const [first] = sessions
  ensure(first, 'NO_GRANT', 'That share does not let you read.')
  const holder = new Map(sessions.flatMap(s => s.records.map(r => [toHex(r.id), s] as const)))
  return {
    ...first,
    records: [...new Map(sessions.flatMap(s => s.records.map(r => [toHex(r.id), r] as const))).values()],
    problems: sessions.flatMap(s => s.problems),
    async open(ids, refused) {
      const bySession = Map.groupBy(ids, id => holder.get(toHex(id)) ?? first)
      const out = []
      for (const [session, some] of bySession) out.push(...(await session.open(some, refused)))
      return out
    },
    close() {
      for (const session of sessions) session.close()
    },
  }
}
