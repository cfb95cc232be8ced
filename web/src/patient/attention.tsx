import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { CopyButton } from '#parts/copy-button.tsx'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Sign } from '#parts/icon.tsx'
import { Banner, Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { kindName, rowSub, titleText } from '#record/labels.ts'
import type { HeldView, Attention as View } from '#rpc/attention.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

/** A line above other screens while something waits for a look. */
export function NeedsLook() {
  const { n } = useWords()
  const { api } = useVault()
  const { value } = useAsk(() => api.attention(null), [], ['records'])
  if (!value?.waiting) return null
  return (
    <Banner tone="warn">
      <a href="#/attention">{n('attention.waiting', value.waiting)}</a>
    </Banner>
  )
}

/** Records that do not hold: shown, marked, and never taken for what they claim to be. */
export function Attention() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.attention(null), [], ['records'])
  return (
    <Page title={t('attention.title')} tab={t('attention.title')} lead={t('attention.lead')} back={{ href: '#/', label: t('nav.home') }}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.held.length + value.unverified.length ? (
        <Lists value={value} again={again} />
      ) : (
        <Panel>
          <Empty icon="shield" title={t('attention.none')} />
        </Panel>
      )}
    </Page>
  )
}

function Lists({ value, again }: { readonly value: View; readonly again: () => Promise<void> }) {
  const words = useWords()
  const { t } = words
  return (
    <>
      {value.held.map(held => (
        <Panel key={held.id}>
          <Held held={held} again={again} />
        </Panel>
      ))}
      {value.unverified.length > 0 && (
        <Panel title={t('attention.unverified')} icon="alert">
          <p className="kw-dim">{t('attention.unverifiedNote')}</p>
          <ul className="kw-lines">
            {value.unverified.map(row => (
              <li key={row.id}>
                <RecordLine wrap href={`#/record/${row.id}`} type={row.type} title={titleText(row.title)} sub={rowSub(words, row)} />
                <AskAgain id={row.id} again={again} />
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  )
}

function Held({ held, again }: { readonly held: HeldView; readonly again: () => Promise<void> }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [erasing, setErasing] = useState(false)
  const ignoring = useDo(async () => {
    await api.ignoreHeld(held.id)
    await again()
  })
  const date = words.time(held.at)
  const about = [held.type && kindName(words, held.type), held.date && words.date(held.date)].filter(Boolean).join(' · ')
  return (
    <article className="kw-stack">
      <div className="kw-row">
        <Sign name="alert" tone="bad" />
        <div className="kw-grow">
          <h2>{held.title === null ? t('attention.closed') : titleText(held.title)}</h2>
          {about && <p className="kw-dim kw-small">{about}</p>}
        </div>
        {held.ignored && <Tag>{t('attention.ignored')}</Tag>}
      </div>
      <dl className="kw-facts">
        <dt>{t('attention.claims')}</dt>
        <dd>
          {held.author ?? t('attention.nobody')}{' '}
          {held.author && <Tag tone="warn">{t(held.known ? 'attention.notProven' : 'attention.stranger')}</Tag>}
        </dd>
        {held.by && (
          <>
            <dt>{t('attention.by')}</dt>
            <dd>{held.by}</dd>
          </>
        )}
        <dt>{t('attention.failed')}</dt>
        <dd>
          {words.maybe(`attention.${held.code}`, t('attention.other'))} <span className="kw-dim kw-mono">{held.code}</span>
        </dd>
        <dt>{t('attention.seen')}</dt>
        <dd>{date}</dd>
      </dl>
      <div className="kw-row">
        <AskAgain id={held.id} again={again} />
        {!held.ignored && (
          <Button variant="subtle" size="sm" onClick={() => ignoring.run()} loading={ignoring.busy}>
            {t('attention.ignore')}
          </Button>
        )}
        <CopyButton quiet text={t('attention.letter', { date, code: held.code })} label={t('attention.tell')} done={t('attention.told')} />
        <Button variant="subtle" size="sm" color="red" onClick={() => setErasing(true)}>
          {t('record.erase')}
        </Button>
      </div>
      {ignoring.error !== null && <Failed error={ignoring.error} />}
      <EraseHeld id={held.id} open={erasing} onClose={() => setErasing(false)} again={again} />
    </article>
  )
}

function AskAgain({ id, again }: { readonly id: string; readonly again: () => Promise<void> }) {
  const { t } = useWords()
  const { api } = useVault()
  const [still, setStill] = useState(false)
  const asking = useDo(async () => {
    setStill(!(await api.askAgain(id)))
    await again()
  })
  return (
    <>
      <Button variant="default" size="sm" onClick={() => asking.run()} loading={asking.busy}>
        {t('attention.again')}
      </Button>
      {still && <span role="status">{t('attention.still')}</span>}
      {asking.error !== null && <Failed error={asking.error} />}
    </>
  )
}

type EraseProps = { readonly id: string; readonly open: boolean; readonly onClose: () => void; readonly again: () => Promise<void> }

function EraseHeld({ id, open, onClose, again }: EraseProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const erasing = useDo(async () => {
    await api.eraseHeld(id)
    await again()
    onClose()
  })
  return (
    <Confirm
      open={open}
      title={t('record.eraseTitle')}
      cancel={t('app.cancel')}
      go={t('record.eraseGo')}
      busy={erasing.busy}
      error={erasing.error === null ? null : errorText(words, erasing.error)}
      onClose={onClose}
      onGo={() => erasing.run()}
    >
      <Consequences title={t('record.eraseNot')} items={[t('record.erase3'), t('attention.eraseNote')]} />
    </Confirm>
  )
}
