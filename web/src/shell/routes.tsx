import { lazy, type ReactNode, Suspense } from 'react'
import { ClinicianChoice } from '#clinician/choice.tsx'
import { Waiting } from '#parts/state.tsx'
import { Home } from '#patient/home.tsx'
import { Record } from '#patient/record.tsx'
import { Settings } from '#patient/settings.tsx'
import { Share } from '#patient/share.tsx'
import { Timeline } from '#patient/timeline.tsx'
import { Who } from '#patient/who.tsx'
import type { Locale } from '#words/words.ts'
import type { Route } from './route.ts'
import { WithTexts } from './with-texts.tsx'

/** Screens that are not needed to begin come when they are asked for. */
const Invite = lazy(async () => ({ default: (await import('#patient/invite.tsx')).Invite }))
const Join = lazy(async () => ({ default: (await import('#patient/invite.tsx')).Join }))
const Links = lazy(async () => ({ default: (await import('#patient/links.tsx')).Links }))
const Medicines = lazy(async () => ({ default: (await import('#patient/medicines.tsx')).Medicines }))
const Milestones = lazy(async () => ({ default: (await import('#patient/milestones.tsx')).Milestones }))
const News = lazy(async () => ({ default: (await import('#patient/news.tsx')).News }))
const SummaryDocument = lazy(async () => ({ default: (await import('#patient/patient-summary.tsx')).SummaryDocument }))
const Print = lazy(async () => ({ default: (await import('#patient/print.tsx')).Print }))
const ClinicianRoom = lazy(async () => ({ default: (await import('#clinician/room.tsx')).ClinicianRoom }))
const NewShare = lazy(async () => ({ default: (await import('#patient/new-share.tsx')).NewShare }))
const ShareDetail = lazy(async () => ({ default: (await import('#patient/share-detail.tsx')).ShareDetail }))
const PersonPage = lazy(async () => ({ default: (await import('#patient/person.tsx')).PersonPage }))
const AddPerson = lazy(async () => ({ default: (await import('#patient/add-person.tsx')).AddPerson }))
const PassOn = lazy(async () => ({ default: (await import('#patient/pass-on.tsx')).PassOn }))
const Cared = lazy(async () => ({ default: (await import('#patient/cared.tsx')).Cared }))
const Results = lazy(async () => ({ default: (await import('#patient/results.tsx')).Results }))
const ResultSeries = lazy(async () => ({ default: (await import('#patient/result-series.tsx')).ResultSeries }))
const AddDevice = lazy(async () => ({ default: (await import('#patient/add-device.tsx')).AddDevice }))
const Adding = lazy(async () => ({ default: (await import('#patient/adding.tsx')).Adding }))
const Attention = lazy(async () => ({ default: (await import('#patient/attention.tsx')).Attention }))
const Backups = lazy(async () => ({ default: (await import('#patient/backups.tsx')).Backups }))
const Devices = lazy(async () => ({ default: (await import('#patient/devices.tsx')).Devices }))
const Emergency = lazy(async () => ({ default: (await import('#patient/emergency.tsx')).Emergency }))
const EraseAll = lazy(async () => ({ default: (await import('#patient/erase-all.tsx')).EraseAll }))
const Guardians = lazy(async () => ({ default: (await import('#patient/guardians.tsx')).Guardians }))
const GuardingPage = lazy(async () => ({ default: (await import('#patient/guarding.tsx')).GuardingPage }))
const Images = lazy(async () => ({ default: (await import('#patient/images.tsx')).Images }))
const Locks = lazy(async () => ({ default: (await import('#patient/locks.tsx')).Locks }))
const NewKeys = lazy(async () => ({ default: (await import('#patient/new-keys.tsx')).NewKeys }))
const Vote = lazy(async () => ({ default: (await import('#patient/vote.tsx')).Vote }))
const OwnData = lazy(async () => ({ default: (await import('#patient/own-data.tsx')).OwnData }))
const Keep = lazy(async () => ({ default: (await import('#patient/keep.tsx')).Keep }))
const AskRight = lazy(async () => ({ default: (await import('#patient/rights-ask.tsx')).AskRight }))
const Rights = lazy(async () => ({ default: (await import('#patient/rights.tsx')).Rights }))
const Rules = lazy(async () => ({ default: (await import('#patient/rules.tsx')).Rules }))
const NewRule = lazy(async () => ({ default: (await import('#patient/new-rule.tsx')).NewRule }))
const Series = lazy(async () => ({ default: (await import('#patient/series.tsx')).Series }))
const later = (screen: ReactNode): ReactNode => (
  <WithTexts>
    <Suspense fallback={<Waiting />}>{screen}</Suspense>
  </WithTexts>
)

/** What screens about the app itself may change. */
export type Choices = {
  readonly locale: Locale
  readonly onLocale: (l: Locale) => void
}

type Screen = {
  /** The navigation entry it belongs to; its own name when absent. */
  readonly under?: string
  /** What may stand behind its name: the word of a screen under it, or `:` for what one is about. Anything else leads to the screen itself. */
  readonly parts?: readonly string[]
  /** False where there is nothing to show without what it is about. */
  readonly alone?: false
  readonly draw: (route: Route, choices: Choices) => ReactNode
}

const asked = ({ query }: Route, name: string): string => query.get(name) ?? ''

const newShareOf = (r: Route) => ({
  to: asked(r, 'to'),
  request: asked(r, 'request'),
  replaces: asked(r, 'replaces'),
  records: asked(r, 'records').split(',').filter(Boolean),
  chosen: r.query.has('chosen'),
})

function rightsScreen(r: Route): ReactNode {
  const [part, right = ''] = r.rest
  if (part === 'ask') return <AskRight right={right} record={asked(r, 'record')} to={asked(r, 'to')} />
  return part === 'keep' ? <Keep /> : <Rights />
}

const SETTINGS: Readonly<Record<string, () => ReactNode>> = {
  devices: () => <Devices />,
  backups: () => <Backups />,
  data: () => <OwnData />,
  erase: () => <EraseAll />,
  keys: () => <NewKeys />,
  lock: () => <Locks />,
}

/** Every screen behind the lock, by the first word of its route. A key makes a new screen of the same kind begin afresh. */
const SCREENS: Readonly<Record<string, Screen>> = {
  '': { draw: () => <Home /> },
  timeline: { draw: r => <Timeline key={r.query.toString()} compartment={asked(r, 'part')} type={asked(r, 'type')} /> },
  record: { under: 'timeline', parts: [':'], alone: false, draw: ({ rest: [id = ''] }) => <Record key={id} id={id} /> },
  medicines: { under: '', draw: () => later(<Medicines />) },
  summary: { under: '', draw: () => later(<SummaryDocument />) },
  print: { under: '', draw: () => later(<Print />) },
  // Of `:` is the kind of what is typed in.
  add: {
    parts: [':', 'over/:', 'photos', 'hospital', 'card', 'history', 'history/:'],
    draw: ({ rest: [what = '', id = ''] }) => later(<Adding what={what} id={id} />),
  },
  images: { under: 'timeline', parts: [':'], draw: ({ rest: [id = ''] }) => later(id ? <Series key={id} id={id} /> : <Images />) },
  share: { parts: [':'], draw: ({ rest: [id = ''] }) => (id ? later(<ShareDetail key={id} id={id} />) : <Share />) },
  person: { under: 'share', parts: [':'], alone: false, draw: ({ rest: [did = ''] }) => later(<PersonPage key={did} did={did} />) },
  'add-person': { under: 'share', draw: () => later(<AddPerson />) },
  'pass-on': { under: 'share', parts: [':'], alone: false, draw: ({ rest: [id = ''] }) => later(<PassOn key={id} id={id} />) },
  results: { under: 'timeline', parts: [':'], draw: ({ rest: [id] }) => later(id ? <ResultSeries key={id} id={id} /> : <Results />) },
  links: { under: 'share', draw: r => later(<Links key={asked(r, 'parts')} wanted={asked(r, 'parts').split(',').filter(Boolean)} />) },
  invite: { under: 'share', draw: () => later(<Invite />) },
  join: { under: 'share', draw: () => later(<Join />) },
  desk: { parts: ['ask', 'emergency', 'add/:', 'of/:'], draw: ({ rest, query }) => later(<ClinicianRoom rest={rest} query={query} />) },
  'new-share': { under: 'share', draw: r => later(<NewShare key={r.query.toString()} {...newShareOf(r)} />) },
  cared: { under: 'share', parts: [':'], alone: false, draw: ({ rest: [id = ''] }) => later(<Cared key={id} id={id} />) },
  who: { draw: () => <Who /> },
  news: { draw: () => later(<News />) },
  attention: { under: '', draw: () => later(<Attention />) },
  emergency: { under: '', parts: ['set-up', 'card'], draw: ({ rest: [part = ''] }) => later(<Emergency part={part} />) },
  guardians: { under: 'settings', draw: () => later(<Guardians />) },
  guarding: { under: 'settings', draw: () => later(<GuardingPage />) },
  recover: { under: 'settings', draw: () => later(<Vote />) },
  milestones: { under: '', draw: () => later(<Milestones />) },
  'add-device': { under: 'settings', draw: () => later(<AddDevice />) },
  rules: { under: 'share', parts: ['new'], draw: ({ rest: [part] }) => later(part === 'new' ? <NewRule /> : <Rules />) },
  rights: {
    under: 'settings',
    parts: ['ask/:', 'keep'],
    draw: r => later(rightsScreen(r)),
  },
  settings: {
    parts: Object.keys(SETTINGS),
    draw: ({ rest: [part = ''] }, { locale, onLocale }) =>
      later(SETTINGS[part]?.() ?? <Settings locale={locale} onLocale={onLocale} more={<ClinicianChoice />} />),
  },
}

/** By name, as routes begin. */
export const SCREEN_NAMES: readonly string[] = Object.keys(SCREENS)

/** Every address that leads to a screen of its own; `:` stands for what it is about. */
export const ADDRESSES: readonly string[] = Object.entries(SCREENS).flatMap(([name, { parts = [], alone = true }]) => [
  ...(alone ? [name] : []),
  ...parts.map(part => `${name}/${part}`),
])

const screenOf = (name: string): Screen => (Object.hasOwn(SCREENS, name) ? SCREENS[name]! : SCREENS['']!)

/** What no screen is listed for is not drawn. */
function listed({ name, rest, query }: Route): Route {
  const [first] = rest
  const known = (screenOf(name).parts ?? []).some(part => [':', first].includes(part.split('/')[0]))
  return { name, query, rest: known ? rest : [] }
}

export const drawScreen = (route: Route, choices: Choices): ReactNode => screenOf(route.name).draw(listed(route), choices)
export const navigationOf = ({ name }: Route): string => screenOf(name).under ?? name
