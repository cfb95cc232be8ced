import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { partName, purposeName, titleText } from '#record/labels.ts'
import { saveBlob } from '#record/save.ts'
import type { Account } from '#rpc/attention.ts'
import type { Looked, TrailView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { minute, today } from './partial-date.ts'
import { inRange } from './who-filters.tsx'

type ExportProps = { readonly trail: TrailView; readonly own: boolean; readonly name: string }

/** The account of disclosures as a file: for a spreadsheet, or for a lawyer to read. Both are made on this device. */
export function AccountExport({ trail, own, name }: ExportProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const [from, setFrom] = useState('')
  const [until, setUntil] = useState(() => today(new Date()))
  const inside = trail.looked.filter(l => (own || !l.own) && inRange(l, from, until))
  const saving = useDo(async (format: Account['format']) => {
    const file = await api.account(accountOf(words, { format, trail, list: inside, own, name, from, until }))
    saveBlob(file, `keepwell-who-looked-${today(new Date())}.${format}`)
  })
  return (
    <Panel title={t('account.title')} icon="save">
      <div className="kw-stack">
        <p className="kw-dim">{t('account.lead')}</p>
        <div className="kw-row kw-account">
          <TextInput type="date" label={t('account.from')} value={from} max={until} onChange={e => setFrom(e.currentTarget.value)} />
          <TextInput type="date" label={t('account.until')} value={until} min={from} onChange={e => setUntil(e.currentTarget.value)} />
        </div>
        <p className="kw-dim kw-small" role="status">
          {n('account.count', inside.length)}
        </p>
        <div className="kw-row">
          <Button variant="default" onClick={() => saving.run('pdf')} loading={saving.busy}>
            {t('account.pdf')}
          </Button>
          <Button variant="default" onClick={() => saving.run('csv')} loading={saving.busy}>
            {t('account.csv')}
          </Button>
        </div>
        {saving.error !== null && <Failed error={saving.error} />}
      </div>
    </Panel>
  )
}

type Making = {
  readonly format: Account['format']
  readonly trail: TrailView
  readonly list: readonly Looked[]
  readonly own: boolean
  readonly name: string
  readonly from: string
  readonly until: string
}

const stamp = (unix: number): string => minute(new Date(unix * 1000)).replace('T', ' ')

/** What HIPAA asks of an accounting (45 CFR 164.528: date, recipient, what, purpose), and what proves it. */
function accountOf(words: Words, { format, trail, list, own, name, from, until }: Making): Account {
  const { t, n } = words
  const problems = trail.problems.map(p => `${p.seq ? `${t('who.number', { number: p.seq })}: ` : ''}${p.message} (${p.code})`)
  const about: (readonly [string, string])[] = [
    [t('account.of'), name],
    [t('account.range'), `${from || t('account.beginning')} – ${until || t('account.today')}`],
    [t('account.ownOnes'), t(own ? 'account.ownIn' : 'account.ownOut')],
    [t('account.checkedAt'), `${stamp(trail.checkedAt)} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`],
    [t('account.checked'), trail.problems.length ? n('who.bad', trail.problems.length) : n('who.good', trail.receipts)],
    [t('account.how'), t('account.howText')],
    ...problems.map(p => [t('account.problem'), p] as const),
    [
      t('account.anchor'),
      trail.anchored
        ? t('account.anchorText', { size: trail.anchored.size, time: stamp(trail.anchored.time), root: trail.anchored.root })
        : t('who.notAnchored'),
    ],
    [t('account.relay'), trail.relay],
  ]
  return {
    format,
    title: t('account.heading', { name }),
    about,
    columns: COLUMNS.map(c => t(`account.column.${c}`)),
    rows: list.map(l => rowOf(words, l)),
    page: t('account.page'),
    replaced: t('account.replaced'),
  }
}

const COLUMNS = [
  'date',
  'recipient',
  'did',
  'person',
  'action',
  'what',
  'parts',
  'purpose',
  'share',
  'signature',
  'receipt',
  'log',
] as const

function rowOf(words: Words, l: Looked): string[] {
  const { t } = words
  const what = l.records.map(r => (r.title === null ? t('who.gone') : titleText(r.title))).join('; ')
  return [
    stamp(l.time),
    l.name,
    l.did,
    [l.person, l.role].filter(Boolean).join(', '),
    l.denied ? `${t('account.denied')}: ${l.reasons.join(', ')}` : words.maybe(`account.action.${l.action}`, l.action),
    what || t('account.list'),
    l.compartments.map(c => partName(words, c)).join('; '),
    purposeName(words, l.purpose),
    l.share ? l.share.slice(0, 16) : l.own ? t('account.owner') : '',
    t(l.reader === 'verified' ? 'account.verified' : 'account.unverified'),
    String(l.seq),
    String(l.index),
  ]
}
