import { Button, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { FormDialog } from '#parts/dialog.tsx'
import { Banner, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { titleText } from '#record/labels.ts'
import type { ReadUnder } from '#rpc/sharing.ts'
import type { ShareView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { endDay, endedKey, endsSoon, now, Person, purposesText, ShareGone, scopeText, shareSub, useEnding } from './share-terms.tsx'
import { VouchedLine } from './vouched.tsx'

/** One share: what it says, and what was read under it. */
export function ShareDetail({ id }: { readonly id: string }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.shares(null), [id], ['sharing'])
  const share = value && [...value.given, ...value.passed].find(s => s.id === id)
  const ending = useEnding(again)
  const [extending, setExtending] = useState(false)
  const live = share?.state === 'live'
  const back = { href: '#/share', label: t('share.title') }
  if (!value)
    return (
      <Page title={t('app.loading')} tab={t('share.title')} back={back}>
        {error ? <Failed error={error} onRetry={again} /> : <Waiting />}
      </Page>
    )
  if (!share)
    return (
      <Page title={t('sharing.gone')} tab={t('share.title')} back={back}>
        <ShareGone />
      </Page>
    )
  return (
    <Page
      title={titleOf(words, share)}
      tab={t('share.title')}
      back={back}
      actions={
        live ? (
          <>
            {!share.by && !share.of && (
              <>
                <Button onClick={() => setExtending(true)}>{t('sharing.extend')}</Button>
                <Button component="a" href={`#/new-share?replaces=${share.id}`} variant="default">
                  {t('sharing.changeThis')}
                </Button>
              </>
            )}
            <Button variant="light" color="red" onClick={() => ending.ask(share)}>
              {t('share.end')}
            </Button>
          </>
        ) : undefined
      }
    >
      {ending.ended && (
        <Banner icon="check" urgent>
          <p>{t('share.endDone', { name: ending.ended.name })}</p>
          {ending.ended.unreached.map(name => (
            <p key={name}>{t('share.unreached', { name })}</p>
          ))}
        </Banner>
      )}
      <div className="kw-grid">
        <Terms share={share} />
        {!share.of && share.level !== 'write' && <Read share={share} />}
        {!share.of && share.level === 'admin' && (
          <PassedOn share={share} list={value.passed.filter(p => p.under && share.consents.includes(p.under))} />
        )}
      </div>
      {ending.dialog}
      {extending && <Extend share={share} onClose={() => setExtending(false)} />}
    </Page>
  )
}

function titleOf({ t }: Words, s: ShareView): string {
  if (s.of) return t('sharing.detailOf', { owner: s.of.name, name: s.name })
  return s.by ? t('sharing.detailBy', { name: s.name, by: s.by.name }) : t('sharing.detail', { name: s.name })
}

const MAY = { read: 'sharing.mayRead', write: 'sharing.mayWrite', admin: 'sharing.mayAdmin' } as const

function Terms({ share: s }: { readonly share: ShareView }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const vouched = useAsk(() => api.vouchedFor(s.did), [s.did], ['sharing']).value ?? null
  const facts: readonly (readonly [string, string])[] = [
    [t('sharing.termWho'), s.name],
    [t('sharing.termMay'), t(s.level === 'read' && s.mayAdd ? 'sharing.mayReadAdd' : MAY[s.level])],
    [t('sharing.termWhat'), scopeText(words, s)],
    [t('sharing.termWhy'), purposesText(words, s)],
    [t('sharing.termSince'), words.time(s.given)],
    [t('sharing.termUntil'), s.state === 'live' && !endsSoon(s) ? endDay(words, s.until) : words.time(s.until)],
    ...(s.by ? [[t('sharing.termBy'), t('sharing.byNote', { by: s.by.name })] as const] : []),
  ]
  return (
    <Panel
      title={t('sharing.terms')}
      icon="share"
      side={
        s.state === 'live' ? (
          <Tag tone={endsSoon(s) ? 'warn' : 'brand'}>{t(endsSoon(s) ? 'sharing.endsSoon' : 'share.live')}</Tag>
        ) : (
          <Tag>{t(endedKey(s))}</Tag>
        )
      }
    >
      <dl className="kw-facts">
        {facts.map(([name, value]) => (
          <div className="kw-contents" key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {s.state === 'live' && s.from > now() && <Banner icon="clock">{t('cooling.begins', { date: words.time(s.from) })}</Banner>}
      {!s.of && <VouchedLine vouched={vouched} name={s.name} />}
      {s.whileVouched && (
        <p className="kw-dim kw-small kw-note-line">
          {t(vouched?.state === 'ended' ? 'vouched.paused' : 'vouched.ends', { name: s.name })}
        </p>
      )}
      {s.level !== 'write' && <p className="kw-dim kw-small kw-note-line">{t(s.records ? 'sharing.notLater' : 'sharing.later')}</p>}
    </Panel>
  )
}

const SHOWN = 50

function Read({ share }: { readonly share: ShareView }) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.readUnder(share.id), [share.id], ['looked'])
  return (
    <Panel title={t('sharing.readUnder')} icon="eye">
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting text={t('sharing.checking')} />
      ) : (
        <div className="kw-stack">
          <p>
            <strong>{summary(words, value)}</strong>
          </p>
          {value.records.length > 0 && (
            <ul className="kw-lines">
              {value.records.slice(0, SHOWN).map(r => (
                <li key={r.id}>
                  <RecordLine
                    wrap
                    {...(r.title === null ? {} : { href: `#/record/${r.id}` })}
                    title={r.title === null ? t('sharing.erased') : titleText(r.title)}
                    sub={t('sharing.openedLine', {
                      times: n('sharing.openedTimes', r.times),
                      date: words.time(r.last),
                      by: words.list(r.by),
                    })}
                  />
                </li>
              ))}
            </ul>
          )}
          {value.records.length > SHOWN && <p className="kw-dim">{n('sharing.andMore', value.records.length - SHOWN)}</p>}
          {value.problems ? (
            <Banner tone="bad">
              <a href="#/who">{t('sharing.checkedBad')}</a>
            </Banner>
          ) : value.looked.length ? (
            <p className="kw-good kw-small">{t('sharing.checked')}</p>
          ) : (
            <p className="kw-dim kw-small">{t('sharing.nobody')}</p>
          )}
        </div>
      )}
    </Panel>
  )
}

const summary = ({ t, n }: Words, { records, listed }: ReadUnder): string =>
  records.length ? n('sharing.opened', records.length) : listed ? n('sharing.neverListed', listed) : t('sharing.never')

function PassedOn({ share, list }: { readonly share: ShareView; readonly list: readonly ShareView[] }) {
  const words = useWords()
  const { t } = words
  return (
    <Panel title={t('sharing.passed', { by: share.name })} icon="share" wide>
      {list.length ? (
        <ul className="kw-lines">
          {list.map(p => (
            <li key={p.id}>
              <RecordLine
                wrap
                href={`#/share/${p.id}`}
                title={p.name}
                sub={shareSub(words, p)}
                glyph={<Person />}
                side={p.state === 'live' ? undefined : <Tag>{t(endedKey(p))}</Tag>}
              />
            </li>
          ))}
        </ul>
      ) : (
        <p className="kw-dim">{t('sharing.passedNone', { by: share.name })}</p>
      )}
    </Panel>
  )
}

const DAY = 86_400
const SPANS = [
  { value: '7', label: 'new.week' },
  { value: '30', label: 'new.month' },
  { value: '90', label: 'new.quarter' },
  { value: '365', label: 'new.year' },
] as const

/** The same terms again for longer; the share before ends. */
function Extend({ share, onClose }: { readonly share: ShareView; readonly onClose: () => void }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [days, setDays] = useState('30')
  const until = Math.max(share.until, now()) + Number(days) * DAY
  const extending = useDo(async () => {
    location.hash = `#/share/${await api.extendShare({ id: share.id, until })}`
    onClose()
  })
  return (
    <FormDialog
      title={t('sharing.extendTitle', { name: share.name })}
      cancel={t('app.cancel')}
      go={t('sharing.extendGo')}
      busy={extending.busy}
      error={extending.error}
      onClose={onClose}
      onGo={() => extending.run()}
    >
      <p>{t('sharing.extendNote')}</p>
      <NativeSelect
        label={t('sharing.extend')}
        description={`${t('sharing.extendTo')}: ${words.day(until)}`}
        value={days}
        onChange={e => setDays(e.currentTarget.value)}
        data={SPANS.map(s => ({ value: s.value, label: `+ ${t(s.label)}` }))}
      />
    </FormDialog>
  )
}
