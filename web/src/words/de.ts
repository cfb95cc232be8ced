import { recordDe } from '@keepwell/adapters/words/de'
import { add } from './de/add.ts'
import { agent } from './de/agent.ts'
import { app } from './de/app.ts'
import { attention } from './de/attention.ts'
import { backups } from './de/backups.ts'
import { begin } from './de/begin.ts'
import { card } from './de/card.ts'
import { clinician } from './de/clinician.ts'
import { devices } from './de/devices.ts'
import { emergency } from './de/emergency.ts'
import { entry } from './de/entry.ts'
import { error } from './de/error.ts'
import { errorRare } from './de/error-rare.ts'
import { guardians } from './de/guardians.ts'
import { health } from './de/health.ts'
import { home } from './de/home.ts'
import { hospital } from './de/hospital.ts'
import { images } from './de/images.ts'
import { keep } from './de/keep.ts'
import { links } from './de/links.ts'
import { lost } from './de/lost.ts'
import { offline } from './de/offline.ts'
import { own } from './de/own.ts'
import { record } from './de/record.ts'
import { release } from './de/release.ts'
import { results } from './de/results.ts'
import { rights } from './de/rights.ts'
import { rules } from './de/rules.ts'
import { settings } from './de/settings.ts'
import { share } from './de/share.ts'
import { sharing } from './de/sharing.ts'
import { summary } from './de/summary.ts'
import { timeline } from './de/timeline.ts'
import { wake } from './de/wake.ts'
import { who } from './de/who.ts'
import type { Key } from './en.ts'
import type { Text } from './words.ts'

/** Die deutschen Texte. */
export const de: Readonly<Record<Key, Text>> = {
  ...recordDe,
  ...app,
  ...agent,
  ...backups,
  ...begin,
  ...home,
  ...timeline,
  ...summary,
  ...add,
  ...emergency,
  ...guardians,
  ...keep,
  ...lost,
  ...entry,
  ...attention,
  ...record,
  ...share,
  ...sharing,
  ...who,
  ...card,
  ...clinician,
  ...settings,
  ...links,
  ...offline,
  ...release,
  ...devices,
  ...own,
  ...results,
  ...rights,
  ...rules,
  ...wake,
  ...health,
  ...hospital,
  ...images,
  ...error,
  ...errorRare,
}
