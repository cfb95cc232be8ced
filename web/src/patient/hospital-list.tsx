import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Sign } from '#parts/icon.tsx'
import { Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import type { HospitalView } from '#rpc/hospitals.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import type { Words } from '#words/words.ts'
import { Missing } from './hospital-pull.tsx'

type ConnectedProps = {
  readonly list: readonly HospitalView[]
  /** Whether something is being fetched. */
  readonly busy: boolean
  readonly onPull: (id: string) => void
  readonly onRenew: (hospital: HospitalView) => void
  readonly onEnded: (atHospital: boolean) => Promise<void>
}

function subOf({ t, day, time }: Words, { base, connectedAt, pulledAt, lasting }: HospitalView): string {
  return [
    new URL(base).host,
    t('hospital.since', { date: day(connectedAt) }),
    pulledAt === null ? t('hospital.notPulled') : t('hospital.pulled', { date: time(pulledAt) }),
    !lasting && t('hospital.brief'),
  ]
    .filter(Boolean)
    .join(' · ')
}

/** The hospitals this device has a login at. */
export function Connected({ list, busy, onPull, onRenew, onEnded }: ConnectedProps) {
  const words = useWords()
  const { t } = words
  const [asked, setAsked] = useState<HospitalView | null>(null)
  return (
    <Panel title={t('hospital.list')} icon="visit">
      <ul className="kw-lines">
        {list.map(h => (
          <li key={h.id}>
            <RecordLine wrap title={h.label} sub={subOf(words, h)} glyph={<Sign name="visit" tone="brand" />} />
            <div className="kw-stack kw-stack-tight">
              {h.pulledAt !== null && h.missing.length > 0 && <Missing missing={h.missing} />}
              <div className="kw-row">
                <Button size="sm" variant="default" disabled={busy} onClick={() => onPull(h.id)}>
                  {t('hospital.pull')}
                  <span className="kw-hidden"> {h.label}</span>
                </Button>
                <Button size="sm" variant="default" disabled={busy} onClick={() => onRenew(h)}>
                  {t('hospital.again')}
                  <span className="kw-hidden"> {h.label}</span>
                </Button>
                <Button size="sm" variant="default" disabled={busy} onClick={() => setAsked(h)}>
                  {t('hospital.end')}
                  <span className="kw-hidden"> {h.label}</span>
                </Button>
              </div>
            </div>
          </li>
        ))}
      </ul>
      {asked && (
        <Leaving
          hospital={asked}
          onClose={() => setAsked(null)}
          onDone={async ended => {
            await onEnded(ended)
            setAsked(null)
          }}
        />
      )}
    </Panel>
  )
}

type LeavingProps = { readonly hospital: HospitalView; readonly onClose: () => void; readonly onDone: (ended: boolean) => Promise<void> }

function Leaving({ hospital, onClose, onDone }: LeavingProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const leaving = useDo(async () => onDone(await api.leaveHospital(hospital.id)))
  return (
    <Confirm
      open
      title={t('hospital.endTitle', { name: hospital.label })}
      cancel={t('app.cancel')}
      go={t('hospital.end')}
      busy={leaving.busy}
      error={leaving.error === null ? null : errorText(words, leaving.error)}
      onClose={onClose}
      onGo={() => leaving.run()}
    >
      <Consequences title={t('hospital.endWhat')} items={[t('hospital.end1'), t('hospital.end2')]} />
    </Confirm>
  )
}
