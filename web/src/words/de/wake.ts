import type { wake as en } from '#words/en/wake.ts'
import type { Texts } from '#words/words.ts'

export const wake = {
  'wake.own': 'Jemand öffnet Ihre Notfallakte',
  'wake.ownText': 'Öffnen Sie Keepwell: wer es ist, und ob Sie widersprechen.',
  'wake.other': 'Jemand ist vielleicht in Not',
  'wake.otherText':
    'Sie sollen es erfahren: Die Notfallakte dieses Menschen wird gerade geöffnet. Wenn Sie ihn erreichen können, tun Sie es.',
  'wake.any': 'In Keepwell gibt es Neues',
  'wake.anyText': 'Öffnen Sie Keepwell, um es zu sehen.',
} as const satisfies Texts<typeof en>
