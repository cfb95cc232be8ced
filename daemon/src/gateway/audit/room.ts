import type { Ctx } from '@keepwell/sdk/actions/context'
import type { Action } from '@keepwell/sdk/audit/receipt'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { refusal } from '#gateway/core/trail'
import type { Gateway } from '#gateway/core/types'
import { sendPage } from '#gateway/smart/form'
import { personOf, type Staff } from '#gateway/smart/staff'
import type { RoomVisit, StaffRoom } from '#gateway/smart/staff-room'
import { fileOf, isForm, sendFile } from './export.ts'
import { type Criteria, criteriaOf, found, meets, type Search, within } from './find.ts'
import type { Entry, KeptTrail } from './kept.ts'
import { entryPage, type Line, trailPage } from './page.ts'
import { type Prover, prover } from './proof.ts'
import { AUDIT_WORDS } from './words.ts'

const PAGE = 25
/** Names that a text may be part of before it must be more exact. */
const MOST_PATIENTS = 50

export type AuditRoom = { readonly ctx: Ctx; readonly gateway: Gateway; readonly trail: KeptTrail }
type Here = AuditRoom & { readonly proofs: Prover }

/** The organisation's own trail, for its auditors: `/auth/audit`. Whatever they look at is noted before it is shown. */
export function auditRoom(room: AuditRoom): StaffRoom {
  const here: Here = { ...room, proofs: prover({ ctx: room.ctx, ids: room.gateway.ids, trail: room.trail }) }
  return {
    name: 'audit',
    roles: ['auditor'],
    guests: true,
    title: language => AUDIT_WORDS[language].title,
    verbs: ['search', 'entry', 'export'],
    async visit(visit) {
      if (visit.verb === 'search') return search(here, visit)
      if (visit.verb === 'entry') return entry(here, visit)
      if (visit.verb === 'export') return takeOut(here, visit)
      return show(visit, { criteria: {}, lines: null })
    },
    async refused(staff) {
      room.trail.note(refusal(acting(staff), null, room.gateway.clock(), 'The role of whoever asks does not look into the trail.'))
      await room.trail.settled()
    },
  }
}

const acting = (staff: Staff) => ({ person: personOf(staff), role: staff.role, purpose: 'HOPERAT' }) as const

type Shown = {
  readonly criteria: Criteria
  readonly lines: readonly Line[] | null
  readonly before?: number | null
  readonly unknownPatient?: boolean
}

function show({ staff, language, base, response }: RoomVisit, shown: Shown & { readonly problem?: string }): void {
  const { criteria, lines, before = null, problem = null, unknownPatient = false } = shown
  const page = trailPage({ language, action: base, staff, criteria, lines, before, problem, unknownPatient })
  sendPage(response, page, [], problem ? 400 : 200)
}

/** What an auditor does is an entry as well, on disk before anything is shown. Throws STORAGE_FAILED when it cannot be written. */
export async function noteLook({ trail, gateway }: AuditRoom, staff: Staff, action: Action, query: string): Promise<void> {
  const before = trail.last()
  const why = staff.guest ? `${query} (let in for: ${staff.guest.why})` : query
  trail.note({ ...acting(staff), at: gateway.clock(), patient: null, action, records: [], query: why })
  await trail.settled()
  ensure(await trail.get(before + 1), 'STORAGE_FAILED', 'What you do could not be noted, so nothing is shown.')
}

const queryOf = (criteria: Criteria, more: Readonly<Record<string, string>> = {}): string =>
  new URLSearchParams({ ...criteria, ...more }).toString() || 'everything'

/** All records of the person that an id is one of; the id itself of somebody whose consent ended. */
const vaultsOf =
  ({ gateway }: Pick<AuditRoom, 'gateway'>) =>
  (id: string): readonly string[] =>
    gateway.patient(id)?.vaults.map(v => v.id) ?? [id]

/** The patients that were meant: by id, also of those whose consent ended, or by part of a name. */
export function searchFor({ gateway }: Pick<AuditRoom, 'gateway'>, criteria: Criteria): Search {
  const asked = criteria.patient
  if (!asked) return { criteria, patients: null }
  if (/^[0-9a-f]{20}$/.test(asked)) return { criteria, patients: vaultsOf({ gateway })(asked) }
  const patients = gateway.patients().filter(p => p.vaults.some(v => v.name.toLowerCase().includes(asked.toLowerCase())))
  ensure(patients.length <= MOST_PATIENTS, 'BAD_INPUT', '"patient" is part of too many names; write more of it.')
  return { criteria, patients: patients.flatMap(p => p.vaults.map(v => v.id)) }
}

/** A form that cannot be searched for is shown again with what is wrong. */
async function asked(visit: RoomVisit, work: (criteria: Criteria) => Promise<void>): Promise<void> {
  try {
    await work(criteriaOf(visit.form!))
  } catch (e) {
    if (!isKeepwellError(e, 'BAD_INPUT')) throw e
    show(visit, { criteria: {}, lines: null, problem: e.message })
  }
}

const numberIn = (text: string | null): number | undefined => (text && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined)

const search = (here: Here, visit: RoomVisit): Promise<void> =>
  asked(visit, async criteria => {
    const before = numberIn(visit.form!.get('before'))
    const looking = within(searchFor(here, criteria), visit.staff.guest, vaultsOf(here))
    await noteLook(here, visit.staff, 'list', queryOf(criteria))
    const entries: Entry[] = []
    for await (const e of found(here.trail, looking, { ...(before ? { before } : {}), now: here.gateway.clock() })) {
      entries.push(e)
      if (entries.length > PAGE) break
    }
    const lines = await Promise.all(entries.slice(0, PAGE).map(e => lineOf(here, e, visit.staff)))
    const unknownPatient = looking.patients?.length === 0
    show(visit, { criteria, lines, before: entries.length > PAGE ? entries[PAGE - 1]!.n : null, unknownPatient })
  })

/** To somebody of another house patients are the ids that this organisation has for them, and nothing else. */
const lineOf = async ({ gateway, proofs }: Here, entry: Entry, { guest }: Staff): Promise<Line> => ({
  entry,
  patient: entry.patient && ((!guest && gateway.patient(entry.patient)?.name) || entry.patient),
  verdict: await proofs.verdict(entry),
})

const entry = (here: Here, visit: RoomVisit): Promise<void> =>
  asked(visit, async criteria => {
    const n = numberIn(visit.form!.get('n'))
    const there = n === undefined ? null : await here.trail.get(n)
    const wanted = there && meets(there, within({ criteria: {}, patients: null }, visit.staff.guest, vaultsOf(here))) ? there : null
    ensure(wanted, 'NOT_FOUND', 'There is no such entry; it may have been kept for as long as it had to be.')
    await noteLook(here, visit.staff, 'view', `entry=${wanted.n}`)
    const line = await lineOf(here, wanted, visit.staff)
    const place = line.verdict.holds === 'yes' ? await here.proofs.place(wanted) : null
    const { staff, language, base } = visit
    sendPage(visit.response, entryPage({ language, action: base, staff, criteria, ...line, place }))
  })

const takeOut = (here: Here, visit: RoomVisit): Promise<void> =>
  asked(visit, async criteria => {
    const form = visit.form!.get('as')
    ensure(isForm(form), 'BAD_INPUT', '"as" names no form in which it could be taken out.')
    const { guest } = visit.staff
    const looking = within(searchFor(here, criteria), guest, vaultsOf(here))
    const asked = queryOf(criteria, { as: form })
    await noteLook(here, visit.staff, 'export', asked)
    const entries = found(here.trail, looking, { now: here.gateway.clock() })
    await sendFile(visit.response, await fileOf({ ...here, asked, named: !guest }, form, entries))
  })
