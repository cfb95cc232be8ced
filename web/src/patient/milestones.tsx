import { Button } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Icon, type IconName } from '#parts/icon.tsx'
import { Banner, Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { titleText } from '#record/labels.ts'
import type { MilestoneView } from '#rpc/attention.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

const KINDS: readonly { readonly kind: MilestoneView['kind']; readonly icon: IconName }[] = [
  { kind: 'Vaccination', icon: 'syringe' },
  { kind: 'PreventiveCare', icon: 'shield' },
  { kind: 'MajorProcedure', icon: 'star' },
  { kind: 'ChronicAchievement', icon: 'heart' },
]
/** Cards of a kind drawn before somebody asks for the rest. */
const FIRST = 12

/** The wall: what was done and achieved, each card to be made a token if its owner wants that. */
export function Milestones() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.milestones(null), [], ['records'])
  return (
    <Page title={t('milestones.title')} tab={t('milestones.title')} lead={t('milestones.lead')} back={{ href: '#/', label: t('nav.home') }}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.length ? (
        <>
          {KINDS.map(({ kind, icon }) => (
            <Group key={kind} kind={kind} icon={icon} all={value.filter(m => m.kind === kind)} again={again} />
          ))}
          <details className="kw-panel">
            <summary>{t('milestones.what')}</summary>
            <Shows />
          </details>
        </>
      ) : (
        <Panel>
          <Empty icon="star" title={t('milestones.none')}>
            {t('milestones.noneLead')}
          </Empty>
        </Panel>
      )}
    </Page>
  )
}

type GroupProps = {
  readonly kind: MilestoneView['kind']
  readonly icon: IconName
  readonly all: readonly MilestoneView[]
  readonly again: () => Promise<void>
}

function Group({ kind, icon, all, again }: GroupProps) {
  const { t } = useWords()
  const [whole, setWhole] = useState(false)
  if (!all.length) return null
  const shown = whole ? all : all.slice(0, FIRST)
  return (
    <section className="kw-stack">
      <h2>{t(`milestones.${kind}`)}</h2>
      <ul className="kw-wall">
        {shown.map(m => (
          <li key={m.id}>
            <Card milestone={m} icon={icon} again={again} />
          </li>
        ))}
      </ul>
      {shown.length < all.length && (
        <div>
          <Button variant="subtle" onClick={() => setWhole(true)}>
            {t('home.more', { count: all.length - shown.length })}
          </Button>
        </div>
      )}
    </section>
  )
}

/** What a token shows, and to whom; said before anyone makes one. */
function Shows() {
  const { t } = useWords()
  return (
    <div className="kw-stack">
      <Consequences
        title={t('milestones.everyone')}
        items={[t('milestones.everyone1'), t('milestones.everyone2'), t('milestones.everyone3')]}
      />
      <Consequences title={t('milestones.nobody')} items={[t('milestones.nobody1'), t('milestones.nobody2')]} />
      <Consequences title={t('milestones.you')} items={[t('milestones.you1'), t('milestones.you2'), t('milestones.you3')]} />
    </div>
  )
}

type CardProps = { readonly milestone: MilestoneView; readonly icon: IconName; readonly again: () => Promise<void> }

function Card({ milestone: m, icon, again }: CardProps) {
  const words = useWords()
  const { t } = words
  const [asking, setAsking] = useState<'mint' | 'burn' | null>(null)
  const close = (): void => setAsking(null)
  const done = async (): Promise<void> => {
    await again()
    close()
  }
  return (
    <article className="kw-milestone" data-kind={m.kind} data-token={m.token}>
      <span className="kw-milestone-mark">
        <Icon name={icon} size={26} />
      </span>
      <h3 className="kw-display">
        <a href={`#/record/${m.id}`}>{titleText(m.row.title)}</a>
      </h3>
      <p className="kw-dim kw-small">{[m.row.date && words.date(m.row.date), m.row.author].filter(Boolean).join(' · ')}</p>
      {m.token === 'minted' && (
        <p>
          <Tag tone="good">{t('milestones.minted')}</Tag>
        </p>
      )}
      {m.ledger && (
        <details className="kw-small">
          <summary>{t('milestones.details')}</summary>
          <dl className="kw-facts">
            <dt>{t('milestones.token')}</dt>
            <dd className="kw-mono">{m.ledger.token}</dd>
            <dt>{t('milestones.holder')}</dt>
            <dd className="kw-mono">{m.ledger.holder}</dd>
          </dl>
        </details>
      )}
      <div className="kw-milestone-do">
        {m.token === 'minted' ? (
          <Button variant="light" size="sm" color="red" onClick={() => setAsking('burn')}>
            {t('milestones.burn')}
          </Button>
        ) : (
          <Button variant="light" size="sm" onClick={() => setAsking('mint')}>
            {t(m.token === 'waiting' ? 'milestones.finish' : 'milestones.mint')}
          </Button>
        )}
      </div>
      {asking === 'mint' && <Mint id={m.id} onClose={close} onDone={done} />}
      {asking === 'burn' && <Burn id={m.id} onClose={close} onDone={done} />}
    </article>
  )
}

type AskProps = { readonly id: string; readonly onClose: () => void; readonly onDone: () => Promise<void> }

function Mint({ id, onClose, onDone }: AskProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  const minting = useDo(async () => {
    stop.current = new AbortController()
    await api.mint(id, { signal: stop.current.signal })
    await onDone()
  })
  return (
    <Confirm
      open
      calm
      title={t('milestones.mintTitle')}
      cancel={t('app.cancel')}
      go={t('milestones.mintGo')}
      busy={minting.busy}
      error={minting.error === null ? null : errorText(words, minting.error)}
      onClose={onClose}
      onGo={() => minting.run()}
    >
      {minting.busy ? <Banner icon="clock">{t('milestones.minting')}</Banner> : <Shows />}
    </Confirm>
  )
}

function Burn({ id, onClose, onDone }: AskProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const burning = useDo(async () => {
    await api.burn(id)
    await onDone()
  })
  return (
    <Confirm
      open
      title={t('milestones.burnTitle')}
      cancel={t('app.cancel')}
      go={t('milestones.burnGo')}
      busy={burning.busy}
      error={burning.error === null ? null : errorText(words, burning.error)}
      onClose={onClose}
      onGo={() => burning.run()}
    >
      <Consequences title={t('record.eraseWhat')} items={[t('milestones.burn1'), t('milestones.burn2')]} />
      <Consequences title={t('record.eraseNot')} items={[t('milestones.burn3')]} />
    </Confirm>
  )
}
