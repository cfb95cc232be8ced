import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Sign } from '#parts/icon.tsx'
import { LinkPanel } from '#parts/link-panel.tsx'
import { Empty, Page, Panel } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { GuardedView } from '#rpc/guardians.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

/** For whom this person is a guardian, or was asked to be. */
export function GuardingPage() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.guarding(null), [], ['sharing', 'guardians'])
  return (
    <Page
      title={t('guarding.title')}
      tab={t('settings.title')}
      lead={t('guarding.lead')}
      back={{ href: '#/guardians', label: t('guardians.title') }}
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.length ? (
        <Panel>
          <ul className="kw-lines">
            {value.map(g => (
              <li key={g.did}>
                <Guarded guarded={g} again={again} />
              </li>
            ))}
          </ul>
        </Panel>
      ) : (
        <Panel>
          <Empty icon="person" title={t('guarding.none')}>
            {t('guarding.noneLead')}
          </Empty>
        </Panel>
      )}
      {value?.some(g => g.state === 'holds') && (
        <LinkPanel title={t('vote.title')} icon="key" text={t('vote.link')} href="#/recover" go={t('vote.open')} />
      )}
    </Page>
  )
}

const STATES = { asked: 'guarding.asked', agreed: 'guarding.agreed', holds: 'guarding.holds' } as const

type GuardedProps = { readonly guarded: GuardedView; readonly again: () => Promise<void> }

function Guarded({ guarded: g, again }: GuardedProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [asking, setAsking] = useState(false)
  const accepting = useDo(async () => {
    await api.acceptGuarding(g.did)
    await again()
  })
  const leaving = useDo(async () => {
    await api.leaveGuarding(g.did)
    await again()
    setAsking(false)
  })
  const fresh = g.state === 'asked'
  return (
    <div className="kw-stack kw-stack-tight">
      <RecordLine wrap glyph={<Sign name="person" tone="brand" />} title={g.name} sub={t(STATES[g.state], { date: words.day(g.at) })} />
      {fresh && <p>{t('guarding.askedNote', { name: g.name })}</p>}
      {accepting.error !== null && <Failed error={accepting.error} />}
      <div className="kw-row">
        {fresh && (
          <Button loading={accepting.busy} onClick={() => accepting.run()}>
            {t('guarding.accept')}
          </Button>
        )}
        <Button
          variant="subtle"
          onClick={() => setAsking(true)}
          aria-label={`${t(fresh ? 'guarding.refuse' : 'guarding.leave')}: ${g.name}`}
        >
          {t(fresh ? 'guarding.refuse' : 'guarding.leave')}
        </Button>
      </div>
      <Confirm
        open={asking}
        title={t(fresh ? 'guarding.refuseTitle' : 'guarding.leaveTitle', { name: g.name })}
        cancel={t('app.cancel')}
        go={t(fresh ? 'guarding.refuse' : 'guarding.leave')}
        calm={fresh}
        busy={leaving.busy}
        error={leaving.error === null ? null : errorText(words, leaving.error)}
        onClose={() => setAsking(false)}
        onGo={() => leaving.run()}
      >
        <Consequences
          title={t('record.eraseWhat')}
          items={[t(fresh ? 'guarding.refuse1' : 'guarding.leave1', { name: g.name }), t('guarding.leave2', { name: g.name })]}
        />
      </Confirm>
    </div>
  )
}
