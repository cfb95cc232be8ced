import { Button, Checkbox } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm } from '#parts/dialog.tsx'
import { Icon, Sign } from '#parts/icon.tsx'
import { Banner, Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, purposeName } from '#record/labels.ts'
import type { RuleView, UseView } from '#rpc/rules.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { daysText, lengthText } from '#words/length.ts'
import type { Words } from '#words/words.ts'

/** What the person signed to have answered while they are away: each rule, each use of it, and the ways to say no. */
export function Rules() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.rules(null), [], ['sharing', 'news'])
  const waiting = (value ?? []).flatMap(r => (r.state === 'live' ? r.uses.filter(u => u.state === 'waiting') : []))
  return (
    <Page
      title={t('rules.title')}
      tab={t('share.title')}
      lead={t('rules.lead')}
      back={{ href: '#/share', label: t('share.title') }}
      actions={
        <Button component="a" href="#/rules/new" leftSection={<Icon name="add" size={19} />}>
          {t('rules.new')}
        </Button>
      }
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          {waiting.map(use => (
            <WaitingUse key={use.id} use={use} again={again} />
          ))}
          {value.map(rule => (
            <Rule key={rule.id} rule={rule} again={again} />
          ))}
          {value.length === 0 && (
            <Panel>
              <Empty icon="clock" title={t('rules.none')}>
                {t('rules.noneNote')}
              </Empty>
            </Panel>
          )}
        </>
      )}
    </Page>
  )
}

const partsText = (words: Words, parts: readonly string[]): string => words.list(parts.map(p => partName(words, p)))

const wishText = (words: Words, u: UseView): string =>
  words.t('rules.wish', { parts: partsText(words, u.parts), purpose: purposeName(words, u.purpose), time: daysText(words, u.seconds) })

function WaitingUse({ use, again }: { readonly use: UseView; readonly again: () => Promise<void> }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const refusing = useDo(async () => {
    await api.refuseUse(use.id)
    await again()
  })
  return (
    <Banner tone="warn" icon="clock" title={t('rules.waits', { name: use.name, time: words.time(use.due) })}>
      <p>{wishText(words, use)}</p>
      {refusing.error !== null && <Failed error={refusing.error} />}
      <div className="kw-actions">
        <Button size="sm" loading={refusing.busy} onClick={() => refusing.run()}>
          {t('rules.no')}
          <span className="kw-hidden"> {use.name}</span>
        </Button>
      </div>
    </Banner>
  )
}

/** A rule as one sentence. */
export const ruleText = (words: Words, r: Pick<RuleView, 'to' | 'role' | 'parts' | 'purposes' | 'longest'>): string =>
  words.t('rules.says', {
    who: r.to ?? words.t('rules.whoever', { role: r.role ?? '' }),
    parts: partsText(words, r.parts),
    purpose: words.list(r.purposes.map(p => purposeName(words, p))),
    time: daysText(words, r.longest),
  })

function Rule({ rule, again }: { readonly rule: RuleView; readonly again: () => Promise<void> }) {
  const words = useWords()
  const { t, n } = words
  const [stopping, setStopping] = useState(false)
  const live = rule.state === 'live' || rule.state === 'unsigned'
  return (
    <Panel
      title={rule.name}
      icon="clock"
      side={<Tag {...(rule.state === 'live' ? { tone: 'good' as const } : {})}>{t(`rules.state.${rule.state}`)}</Tag>}
    >
      <div className="kw-stack">
        {rule.state === 'unsigned' && <Banner tone="bad">{t('rules.unsigned')}</Banner>}
        <p>{ruleText(words, rule)}</p>
        <dl className="kw-facts">
          <dt>{t('rules.cap')}</dt>
          <dd>{n('rules.capOf', rule.cap, { spent: rule.spent })}</dd>
          <dt>{t('rules.until')}</dt>
          <dd>{words.day(rule.until)}</dd>
          <dt>{t('rules.veto')}</dt>
          <dd>{rule.veto ? lengthText(words, rule.veto) : t('rules.vetoNone')}</dd>
        </dl>
        <h3>{t('rules.uses')}</h3>
        {rule.uses.length ? (
          <ul className="kw-lines">
            {rule.uses.map(use => (
              <li key={use.id}>
                <RecordLine
                  wrap
                  {...(use.share ? { href: `#/share/${use.share.id}` } : {})}
                  glyph={<Sign name="person" tone="brand" />}
                  title={use.name}
                  sub={[wishText(words, use), t('rules.asked', { time: words.time(use.at) })].join(' · ')}
                  side={<Tag>{stateText(words, use)}</Tag>}
                />
              </li>
            ))}
          </ul>
        ) : (
          <p className="kw-dim">{t('rules.unused')}</p>
        )}
        {live && (
          <div>
            <Button variant="default" onClick={() => setStopping(true)}>
              {t('rules.stop')}
              <span className="kw-hidden"> {rule.name}</span>
            </Button>
          </div>
        )}
      </div>
      {stopping && (
        <Stop
          rule={rule}
          onClose={() => setStopping(false)}
          onDone={async () => {
            await again()
            setStopping(false)
          }}
        />
      )}
    </Panel>
  )
}

const stateText = (words: Words, use: UseView): string =>
  words.t(use.share && !use.share.live ? 'rules.use.over' : `rules.use.${use.state}`)

type StopProps = { readonly rule: RuleView; readonly onClose: () => void; readonly onDone: () => Promise<void> }

function Stop({ rule, onClose, onDone }: StopProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const given = rule.uses.filter(u => u.share?.live).length
  const [also, setAlso] = useState(false)
  const stopping = useDo(async () => {
    await api.stopRule({ id: rule.id, given: also })
    await onDone()
  })
  return (
    <Confirm
      open
      title={t('rules.stopTitle', { name: rule.name })}
      cancel={t('app.cancel')}
      go={t('rules.stop')}
      busy={stopping.busy}
      error={stopping.error === null ? null : errorText(words, stopping.error)}
      onClose={onClose}
      onGo={() => stopping.run()}
    >
      <p>{t('rules.stopNote')}</p>
      {given > 0 && (
        <Checkbox size="md" label={n('rules.stopGiven', given)} checked={also} onChange={e => setAlso(e.currentTarget.checked)} />
      )}
    </Confirm>
  )
}
