import { recordEn } from '@keepwell/adapters/words/en'
import { add } from './en/add.ts'
import { app } from './en/app.ts'
import { attention } from './en/attention.ts'
import { begin } from './en/begin.ts'
import { clinician } from './en/clinician.ts'
import { devices } from './en/devices.ts'
import { entry } from './en/entry.ts'
import { error } from './en/error.ts'
import { health } from './en/health.ts'
import { home } from './en/home.ts'
import { images } from './en/images.ts'
import { links } from './en/links.ts'
import { offline } from './en/offline.ts'
import { own } from './en/own.ts'
import { record } from './en/record.ts'
import { release } from './en/release.ts'
import { results } from './en/results.ts'
import { rights } from './en/rights.ts'
import { settings } from './en/settings.ts'
import { share } from './en/share.ts'
import { sharing } from './en/sharing.ts'
import { summary } from './en/summary.ts'
import { timeline } from './en/timeline.ts'
import { who } from './en/who.ts'
import type { enLater } from './en-later.ts'

/** The English texts of the first screens, a file an area; those of others come later. Every other language has exactly these keys; `{name}` is filled in, a pair is chosen by number. */
export const en = {
  ...recordEn,
  ...app,
  ...begin,
  ...home,
  ...timeline,
  ...summary,
  ...add,
  ...entry,
  ...attention,
  ...record,
  ...share,
  ...sharing,
  ...who,
  ...clinician,
  ...settings,
  ...links,
  ...offline,
  ...release,
  ...devices,
  ...own,
  ...results,
  ...rights,
  ...health,
  ...images,
  ...error,
} as const

export type Key = keyof typeof en | keyof typeof enLater
