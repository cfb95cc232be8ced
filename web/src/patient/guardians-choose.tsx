import { Button, Checkbox, NativeSelect } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Sign } from '#parts/icon.tsx'
import { Banner, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { AskedGuardian, GuardiansView } from '#rpc/guardians.ts'
import { useWords } from '#words/context.tsx'
import { daysText } from '#words/length.ts'

const DAY = 86_400
/** What the ledger makes a change of guardians wait, in seconds. */
const CHANGE = 14 * DAY
const LOCKS = [1, 2, 3, 4].map(d => d * DAY)
const LEAST = 3

/** More than half; with three, two. */
const usual = (n: number): number => Math.min(n - 1, Math.max(2, Math.floor(n / 2) + 1))

type Again = { readonly again: () => Promise<void> }
type ViewProps = Again & { readonly view: GuardiansView }

/** Asks contacts, several at once. */
export function AskPanel({ view: { candidates, asked }, again }: ViewProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const [chosen, setChosen] = useState<readonly string[]>([])
  const [unreached, setUnreached] = useState<readonly string[]>([])
  const asking = useDo(async () => {
    setUnreached((await api.askGuardians(chosen)).unreached)
    await again()
    setChosen([])
  })
  const toggle = (did: string): void => setChosen(c => (c.includes(did) ? c.filter(d => d !== did) : [...c, did]))
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (chosen.length) asking.run()
  }
  return (
    <Panel title={t('guardians.ask')} icon="add">
      <form className="kw-stack" onSubmit={submit}>
        {candidates.length > 0 && (
          <fieldset className="kw-stack kw-keepers">
            <legend className="kw-dim">{t('guardians.askNote')}</legend>
            {candidates.map(c => (
              <Checkbox key={c.did} size="md" label={c.name} checked={chosen.includes(c.did)} onChange={() => toggle(c.did)} />
            ))}
          </fieldset>
        )}
        {candidates.length + asked.length < LEAST && <Banner icon="person">{t('guardians.tooFew')}</Banner>}
        {unreached.length > 0 && (
          <Banner tone="warn" urgent>
            {t('guardians.notAsked', { names: words.list(unreached) })}
          </Banner>
        )}
        {asking.error !== null && <Failed error={asking.error} />}
        <div className="kw-row">
          {candidates.length > 0 && (
            <Button type="submit" variant="light" loading={asking.busy} disabled={!chosen.length}>
              {chosen.length ? n('guardians.askGo', chosen.length) : t('guardians.askNone')}
            </Button>
          )}
          <Button component="a" href="#/invite" variant="default">
            {t('share.invite')}
          </Button>
        </div>
      </form>
    </Panel>
  )
}

/** Who was asked and who agreed; and, once three agreed, putting them in charge. */
export function InChargePanel({ view, again }: ViewProps) {
  const { t } = useWords()
  const { asked, inForce } = view
  if (!asked.length) return null
  const agreed = asked.filter(a => a.state !== 'asked')
  return (
    <Panel title={t('guardians.asked')} icon="person">
      <div className="kw-stack">
        <ul className="kw-lines">
          {asked.map(a => (
            <li key={a.did}>
              <Asked asked={a} again={again} />
            </li>
          ))}
        </ul>
        {agreed.length < LEAST ? (
          <p className="kw-dim">{t('guardians.needThree', { count: agreed.length })}</p>
        ) : (
          <PutInCharge key={`${agreed.length}`} view={view} again={again} agreed={agreed} first={inForce === null} />
        )}
      </div>
    </Panel>
  )
}

const STATES = { asked: 'guardians.isAsked', agreed: 'guardians.isAgreed', in: 'guardians.isIn' } as const

function Asked({ asked: a, again }: Again & { readonly asked: AskedGuardian }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const asking = useDo(async () => {
    await api.askGuardians([a.did])
    await again()
  })
  const removing = useDo(async () => {
    await api.removeGuardian(a.did)
    await again()
  })
  return (
    <div className="kw-row kw-row-between">
      <RecordLine
        wrap
        glyph={<Sign name="person" />}
        title={a.name}
        sub={
          <>
            <Tag tone={a.state === 'asked' ? 'warn' : 'good'}>{t(STATES[a.state])}</Tag> {t('guardians.askedOn', { date: words.day(a.at) })}
          </>
        }
      />
      <div className="kw-row">
        {a.state === 'asked' && (
          <Button size="sm" variant="subtle" loading={asking.busy} onClick={() => asking.run()}>
            {t('guardians.askAgain')}
          </Button>
        )}
        <Button
          size="sm"
          variant="subtle"
          loading={removing.busy}
          aria-label={`${t('settings.remove')}: ${a.name}`}
          onClick={() => removing.run()}
        >
          {t('settings.remove')}
        </Button>
      </div>
      {asking.error !== null && <Failed error={asking.error} />}
      {removing.error !== null && <Failed error={removing.error} />}
    </div>
  )
}

type PutProps = ViewProps & { readonly agreed: readonly AskedGuardian[]; readonly first: boolean }

/** How many it takes, in plain words, and how long whoever still has a device can stop it. */
function PutInCharge({ view: { inForce, owed, coming }, again, agreed, first }: PutProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const count = agreed.length
  const [take, setTake] = useState(() => Math.min(inForce?.take ?? usual(count), count - 1))
  const [delay, setDelay] = useState(inForce?.delay ?? 3 * DAY)
  const [unreached, setUnreached] = useState<readonly string[] | null>(null)
  const setting = useDo(async () => {
    setUnreached((await api.setGuardians({ threshold: take, delay })).unreached)
    await again()
  })
  const newcomers = agreed.some(a => a.state === 'agreed')
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setting.run()
  }
  if (setting.busy) return <Waiting text={t('guardians.setting')} />
  const form = (
    <form className="kw-stack kw-form" onSubmit={submit}>
      <NativeSelect
        label={t('guardians.take')}
        value={take}
        onChange={e => setTake(Number(e.currentTarget.value))}
        data={agreed.slice(2).map((_, i) => ({ value: String(i + 2), label: t('guardians.takeOf', { k: i + 2, n: count }) }))}
      />
      <ul className="kw-bullets">
        <li>{t('guardians.takeSuffice', { k: take })}</li>
        <li>{n('guardians.takeMissing', count - take)}</li>
        <li>{t('guardians.takeAgainst', { k: take, more: take + 1 })}</li>
      </ul>
      <NativeSelect
        label={t('guardians.delay')}
        description={t('guardians.delayNote')}
        value={delay}
        onChange={e => setDelay(Number(e.currentTarget.value))}
        data={LOCKS.map(s => ({ value: String(s), label: daysText(words, s) }))}
      />
      {!first && <Banner icon="clock">{t('guardians.changeNote', { date: words.day(Date.now() / 1000 + CHANGE) })}</Banner>}
      {setting.error !== null && <Failed error={setting.error} />}
      <div>
        <Button type="submit">{t(first ? 'guardians.set' : 'guardians.change')}</Button>
      </div>
    </form>
  )
  return (
    <>
      {unreached && (
        <Banner tone={unreached.length ? 'warn' : 'plain'} icon={unreached.length ? 'alert' : 'check'} urgent>
          {unreached.length ? t('guardians.unreached', { names: words.list(unreached) }) : t('guardians.isSet')}
        </Banner>
      )}
      {first || newcomers || (owed && !coming) ? (
        form
      ) : (
        <details>
          <summary>{t('guardians.changeOpen')}</summary>
          {form}
        </details>
      )}
    </>
  )
}
