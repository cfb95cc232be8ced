import { passOnward } from '@keepwell/sdk/actions/access/pass-onward'
import { publishWhileRead } from '@keepwell/sdk/actions/access/publish-trail'
import { type Arrival, receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { keepRequests } from '@keepwell/sdk/actions/access/waiting-requests'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { tellOwed } from '@keepwell/sdk/actions/emergency/bell'
import { settleGuardians } from '@keepwell/sdk/actions/guardians/guardians'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { lacksDigest } from '@keepwell/sdk/actions/records/digest-body'
import { digestMissing } from '@keepwell/sdk/actions/records/digest-missing'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { selectEntries } from '@keepwell/sdk/actions/records/select-entries'
import { tellAmended } from '@keepwell/sdk/actions/rights/amended'
import type { RightNews } from '@keepwell/sdk/actions/rights/cases'
import type { Telling } from '@keepwell/sdk/actions/rights/tell'
import { REASONS } from '@keepwell/sdk/consent/decide'
import type { DutyTold } from '@keepwell/sdk/identity/rights'
import type { RecoveryState } from '@keepwell/sdk/ports/recoveries'
import type { ToldEvent } from '@keepwell/sdk/wire/rights'
import type { Command } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { count, day, result, safe, short, when } from '#show'
import { purposeWord } from '#words'

export const sync: Command = {
  name: 'sync',
  group: 'start',
  summary: 'Fetch what is new: messages, records others wrote, proofs.',
  about:
    'Opens what arrived, checks who signed it, files it, and checks that the ledger holds its proof. What other devices filed is read once, so\n' +
    'that list --search finds its words here. Exit code 5 when a check failed.',
  options: {},
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const arrivals = await takeMessages(ctx)
      const received = await receiveRecords(ctx, done => io.progress(`${done} records …`))
      const amended = await tellAmended(ctx)
      const { round } = await settleGuardians(ctx)
      const anchors = await confirmAnchors(ctx, await selectEntries(ctx, e => e.anchoredAt === undefined))
      const published = await publishWhileRead(ctx)
      if (received.fresh || published) await publishState(ctx)
      const read = await digestMissing(ctx, await selectEntries(ctx, lacksDigest), {
        progress: (done, total) => io.progress(`${done} of ${total} read …`),
        signal: io.signal,
      })
      result(io, args, { arrivals, received, amended, anchors, read, round, published }, () => [
        ...(round?.state === 'running' ? roundLines(round) : []),
        ...arrivals.map(arrivalLine),
        `${count(received.fresh, 'new record')}${received.refiled ? `, ${received.refiled} of them filed from the inbox` : ''}.`,
        ...(published ? [`${count(published, 'receipt')} published to those who may read who looked.`] : []),
        ...amendedLines(amended),
        ...(read.done ? [`${count(read.done, 'record')} read for search.`] : []),
        ...(read.missed ? [`${count(read.missed, 'record')} could not be read; the next sync tries again.`] : []),
        ...received.problems.map(p => `Not taken: ${short(p.id)} (${p.code}): ${p.message}`),
        ...(anchors.confirmed ? [`${count(anchors.confirmed, 'proof')} confirmed on the ledger.`] : []),
        ...(anchors.waiting ? [`${count(anchors.waiting, 'record')} not anchored yet.`] : []),
        ...(anchors.wrong.length ? [`WRONG PROOF for ${anchors.wrong.map(short).join(', ')}. Do not trust these.`] : []),
      ])
      return anchors.wrong.length || received.problems.length ? 5 : 0
    }),
}

/** Takes the mail; requests are kept until they are answered, what we passed on follows what was renewed or ended, and who is to be woken is told. */
export async function takeMessages(ctx: Ctx): Promise<Arrival[]> {
  const arrivals = await receiveMessages(ctx)
  await keepRequests(ctx, arrivals)
  await passOnward(ctx, arrivals)
  await tellOwed(ctx)
  return arrivals
}

export function arrivalLine(a: Arrival): string {
  switch (a.kind) {
    case 'contact':
      return `${safe(a.name)} answered your invitation.`
    case 'request':
      return `${safe(a.name)}${a.verified ? '' : ' (not verified)'} asks to ${a.request.level} ${a.request.compartments.map(safe).join(', ')} for ${purposeWord(a.request.purpose)}. See: keepwell requests`
    case 'grant':
      return `${safe(a.name)} gave you a consent: ${short(a.commitment)}. See: keepwell read --grant ${short(a.commitment)}`
    case 'revoked':
      return `A consent ended: ${short(a.commitment)}.`
    case 'passed-on':
      return `${safe(a.name)}, who may act for you, shared with ${safe(a.to)} in your name: ${short(a.commitment)}.`
    case 'emergency':
      return `EMERGENCY: ${safe(a.opening.name)} (${safe(a.opening.role)}) is opening your emergency record: ${safe(a.opening.reason)}. Object: keepwell emergency veto ${short(a.opening.tag)}`
    case 'share':
      return `${safe(a.name)} made you a custodian of their emergency key${a.kept ? '' : ', of a version that is here already'}.`
    case 'wakes':
      return `${safe(a.name)} wants ${count(a.devices, 'device')} woken in an emergency.`
    case 'bells':
      return `${safe(a.name)} wants the devices of ${count(a.bells, 'contact')} woken in an emergency.`
    case 'bell':
      return `${safe(a.name)} ${a.given ? 'lets you have their devices woken in an emergency. See: keepwell emergency wake' : 'took back what wakes their devices.'}`
    case 'concern':
      return `EMERGENCY of ${safe(a.of)}, as ${safe(a.name)} says: ${safe(a.concern.name)} (${safe(a.concern.role)}) asked to read their summary. If you can reach them, please do.`
    case 'notice':
      return `Notice: ${safe(a.text)}`
    case 'right':
      return rightLine(a.name, a.news)
    case 'declined':
      return `${safe(a.name)} asked to read for ${purposeWord(a.purpose)} and was declined for you: ${REASONS[a.why]}`
    case 'guardian':
      return guardianLine(a.name, a.news)
    case 'refused':
      return `A message was refused (${a.code}): ${a.message}`
    default:
      return 'A message of another kind arrived.'
  }
}

const TOLD: Readonly<Record<ToldEvent, string>> = {
  frozen: 'froze their record; you cannot read it until they lift it.',
  lifted: 'lifted the freeze of their record.',
  objected: 'objects to a purpose; nothing may be done for it any more.',
  erased: 'erased records that you may have; erase your copies.',
  amended: 'corrected records that you opened; read them anew.',
}

const amendedLines = ({ told, unreached }: Telling): string[] => [
  ...(told.length ? [`Told that what they read was corrected: ${told.map(safe).join(', ')}.`] : []),
  ...(unreached.length ? [`Could not be told that what they read was corrected: ${unreached.map(safe).join(', ')}.`] : []),
]

/** What somebody said that it owes to say: their word. */
export function dutyLine({ name, kind, text, law, since, until, ended }: DutyTold): string {
  const said = `${safe(name)} says${law ? ` (${safe(law)})` : ''}`
  if (kind === 'breach') return `${said} that your data were exposed between ${when(since)} and ${when(until ?? since)}: ${safe(text)}`
  if (ended !== null) return `${said} that it no longer holds what it keeps of you, since ${day(ended)}.`
  return `${said} that it deletes nothing of what it keeps of you ${until === null ? 'until it says otherwise' : `until ${day(until)}`}: ${safe(text)} You may still erase your own record.`
}

function rightLine(name: string, news: RightNews): string {
  if (news.step === 'told') return `${safe(name)} ${TOLD[news.event]}`
  if (news.step === 'duty') return dutyLine(news.duty)
  const { id, right, due, state } = news.case
  return news.step === 'asked'
    ? `${safe(name)} asks for ${right}, to be answered until ${day(due)}: ${short(id)}. See: keepwell rights`
    : `${safe(name)} answered what you asked (${right}): ${state}. See: keepwell rights`
}

const GUARDIAN_NEWS = {
  asked: 'asks you to be a guardian. See: keepwell guardians',
  agreed: 'agreed to be your guardian.',
  holds: 'gave you a share to hold for them.',
  drilled: 'wanted to know whether you still hold their share; it was answered.',
  proved: 'still holds your share.',
  disproved: 'holds a share that is NOT the one you gave them.',
  dismissed: 'no longer needs you as a guardian; their share is forgotten.',
} as const

const guardianLine = (name: string, news: keyof typeof GUARDIAN_NEWS): string => `${safe(name)} ${GUARDIAN_NEWS[news]}`

export const quietSync = async (io: Io, ctx: Ctx): Promise<void> => {
  for (const a of await takeMessages(ctx)) io.note(arrivalLine(a))
}

/** A round of one's own record: either oneself, or a theft. */
export const roundLines = (round: NonNullable<RecoveryState['round']>): string[] => [
  `SOMEBODY IS TAKING THIS RECORD OVER with your guardians’ votes: done from ${when(round.readyAt)} on.`,
  round.final
    ? '  It is the second time, so it cannot be stopped. Speak to your guardians.'
    : '  If that is not you: keepwell recover cancel',
]
