import { Button, Checkbox } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences, FormDialog } from '#parts/dialog.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { purposeName } from '#record/labels.ts'
import { saveBlob } from '#record/save.ts'
import type { Limited, LimitsView } from '#rpc/rights.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { Right } from './rights-line.tsx'
import { PURPOSES } from './share-draft.ts'

const today = (): string => new Date().toISOString().slice(0, 10)

type LimitsProps = { readonly limits: LimitsView | null; readonly again: () => Promise<void> }

/** Freezing, objecting and opting out: what holds now, and one button each. */
export function Limits({ limits, again }: LimitsProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [asking, ask] = useState<'freeze' | 'object' | null>(null)
  const [done, setDone] = useState<Limited | null>(null)
  const changing = useDo(async (change: () => Promise<Limited>) => {
    setDone(null)
    const made = await change()
    await again()
    setDone(made)
  })
  const finish = async (made: Limited): Promise<void> => {
    await again()
    ask(null)
    changing.clear()
    setDone(made)
  }
  const { frozen = false, since = null, objects = [], closed = null } = limits ?? {}
  return (
    <Panel title={t('limits.title')} icon="lock" wide>
      <div className="kw-stack">
        {done && <Done done={done} />}
        {changing.error !== null && <Failed error={changing.error} />}
        <ul className="kw-lines">
          <li>
            <Right
              icon="lock"
              title={t('limits.freeze')}
              text={
                frozen && since !== null
                  ? `${t('limits.frozen', { time: words.time(since) })} ${t(limits?.emergency ? 'limits.frozenBut' : 'limits.frozenNone')}`
                  : t('limits.freezeText')
              }
            >
              {frozen ? (
                <Button key="lift" loading={changing.busy} onClick={() => changing.run(() => api.freeze({ frozen: false }))}>
                  {t('limits.lift')}
                </Button>
              ) : (
                <Button key="freeze" variant="default" onClick={() => ask('freeze')}>
                  {t('limits.freezeGo')}
                </Button>
              )}
            </Right>
          </li>
          <li>
            <Right
              icon="alert"
              title={t('limits.object')}
              text={
                objects.length
                  ? t('limits.objects', { purposes: words.list(objects.map(p => purposeName(words, p))) })
                  : t('limits.objectText')
              }
            >
              <Button variant="default" onClick={() => ask('object')}>
                {t('limits.objectGo')}
              </Button>
            </Right>
          </li>
          <li>
            <Right
              icon="share"
              title={t('limits.close')}
              text={closed === null ? t('limits.closeText') : t('limits.closed', { time: words.time(closed) })}
            >
              <Button variant="default" loading={changing.busy} onClick={() => changing.run(() => api.closeToNew(closed === null))}>
                {t(closed === null ? 'limits.closeGo' : 'limits.openGo')}
              </Button>
            </Right>
          </li>
        </ul>
        {limits && <InForce limits={limits} again={again} />}
      </div>
      {asking === 'freeze' && <Freeze onClose={() => ask(null)} onDone={finish} />}
      {asking === 'object' && <Purposes before={objects} onClose={() => ask(null)} onDone={finish} />}
    </Panel>
  )
}

function Done({ done: { told, unreached, ended } }: { readonly done: Limited }) {
  const words = useWords()
  const { t, n } = words
  return (
    <Banner icon="check" urgent title={t('limits.done')}>
      {ended > 0 && <p>{n('limits.ended', ended)}</p>}
      {told.length > 0 && <p>{t('limits.told', { names: words.list(told) })}</p>}
      {unreached.length > 0 && <p>{t('limits.unreached', { names: words.list(unreached) })}</p>}
    </Banner>
  )
}

/** Since when the keeper's signed word has it in force, to be kept; or that it has not given it. */
function InForce({ limits: { confirmed }, again }: LimitsProps & { readonly limits: LimitsView }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const saving = useDo(async () => saveBlob(await api.limitsProof(null), t('limits.file', { date: today() })))
  const confirming = useDo(async () => {
    await api.confirmLimits(null)
    await again()
  })
  const failed = saving.error ?? confirming.error
  return (
    <div className="kw-stack kw-stack-tight">
      {failed !== null && <Failed error={failed} />}
      {confirmed === null ? (
        <Banner tone="warn" icon="clock">
          <p>{t('limits.unconfirmed')}</p>
          <Button size="sm" loading={confirming.busy} onClick={() => confirming.run()}>
            {t('limits.confirm')}
          </Button>
        </Banner>
      ) : (
        <div className="kw-row kw-row-between">
          <p className="kw-dim">{t('limits.inForce', { time: words.time(confirmed) })}</p>
          <Button size="sm" variant="subtle" loading={saving.busy} onClick={() => saving.run()}>
            {t('limits.save')}
          </Button>
        </div>
      )}
    </div>
  )
}

type DialogProps = { readonly onClose: () => void; readonly onDone: (done: Limited) => Promise<void> }

/** What a freeze stops and what not, before it is in force. */
function Freeze({ onClose, onDone }: DialogProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [emergency, setEmergency] = useState(true)
  const freezing = useDo(async () => onDone(await api.freeze({ frozen: true, emergency })))
  return (
    <Confirm
      open
      calm
      title={t('limits.sure')}
      cancel={t('app.cancel')}
      go={t('limits.freeze')}
      busy={freezing.busy}
      error={freezing.error === null ? null : errorText(words, freezing.error)}
      onClose={onClose}
      onGo={() => freezing.run()}
    >
      <Consequences title={t('limits.stops')} items={[t('limits.stops1'), t('limits.stops2'), t('limits.stops3')]} />
      <Consequences title={t('limits.stopsNot')} items={[t('limits.stopsNot1'), t('limits.stopsNot2'), t('limits.stopsNot3')]} />
      <Checkbox
        size="md"
        label={t('limits.emergency')}
        description={t('limits.emergencyNote')}
        checked={emergency}
        onChange={e => setEmergency(e.currentTarget.checked)}
      />
    </Confirm>
  )
}

function Purposes({ before, onClose, onDone }: DialogProps & { readonly before: readonly string[] }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [chosen, setChosen] = useState(before)
  const objecting = useDo(async () => onDone(await api.objectPurposes(chosen)))
  const toggle = (code: string): void => setChosen(c => (c.includes(code) ? c.filter(x => x !== code) : [...c, code]))
  const same = chosen.length === before.length && chosen.every(c => before.includes(c))
  return (
    <FormDialog
      title={t('limits.objectTitle')}
      cancel={t('app.cancel')}
      go={t('limits.objectSave')}
      busy={objecting.busy}
      disabled={same}
      error={objecting.error}
      onClose={onClose}
      onGo={() => objecting.run()}
    >
      <p className="kw-dim">{t('limits.objectText')}</p>
      <fieldset className="kw-choices kw-choices-two">
        <legend className="kw-hidden">{t('limits.objectTitle')}</legend>
        {[...new Set([...PURPOSES, ...before])].map(code => (
          <Checkbox key={code} size="md" label={purposeName(words, code)} checked={chosen.includes(code)} onChange={() => toggle(code)} />
        ))}
      </fieldset>
    </FormDialog>
  )
}
