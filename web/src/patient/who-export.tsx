import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { saveBlob } from '#record/save.ts'
import type { AccountAsked } from '#rpc/attention.ts'
import type { TrailView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { today } from './partial-date.ts'
import { inRange } from './who-filters.tsx'

type ExportProps = { readonly trail: TrailView; readonly own: boolean }

/** What HIPAA asks an accounting to go back to; whoever wants more says so. */
function sixYearsAgo(): string {
  const day = new Date()
  day.setFullYear(day.getFullYear() - 6)
  return today(day)
}

/** The account of disclosures as a file: for a spreadsheet, or for a lawyer to read. Both are made on this device. */
export function AccountExport({ trail, own }: ExportProps) {
  const { t, n, locale } = useWords()
  const { api } = useVault()
  const [from, setFrom] = useState(sixYearsAgo)
  const [until, setUntil] = useState(() => today(new Date()))
  const inside = trail.looked.filter(l => (own || !l.own) && inRange(l, from, until))
  const saving = useDo(async (format: AccountAsked['format']) => {
    const file = await api.account({ format, language: locale, from: startOf(from), until: endOf(until), own })
    saveBlob(file, `keepwell-who-looked-${today(new Date())}.${format}`)
  })
  const proving = useDo(async () => saveBlob(await api.trailProof(null), `keepwell-trail-${today(new Date())}.keepwell`))
  return (
    <Panel title={t('account.title')} icon="save">
      <div className="kw-stack">
        <p className="kw-dim">{t('account.lead')}</p>
        <div className="kw-row kw-account">
          <TextInput type="date" label={t('account.from')} value={from} max={until} onChange={e => setFrom(e.currentTarget.value)} />
          <TextInput type="date" label={t('account.until')} value={until} min={from} onChange={e => setUntil(e.currentTarget.value)} />
        </div>
        <p className="kw-dim kw-small">{t('account.six')}</p>
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
        <p className="kw-dim">{t('account.proofNote')}</p>
        <div className="kw-row">
          <Button variant="default" onClick={() => proving.run()} loading={proving.busy}>
            {t('account.proof')}
          </Button>
        </div>
        {proving.error !== null && <Failed error={proving.error} />}
      </div>
    </Panel>
  )
}

/** Days are those of where the person is. */
const startOf = (day: string): number | null => (day ? new Date(`${day}T00:00:00`).getTime() / 1000 : null)
const endOf = (day: string): number => (day ? new Date(`${day}T23:59:59`).getTime() : Date.now()) / 1000
