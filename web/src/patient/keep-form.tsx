import { Button, NativeSelect } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Consequences } from '#parts/dialog.tsx'
import { Icon } from '#parts/icon.tsx'
import { Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { partName } from '#record/labels.ts'
import type { KeepRule, KeepRules, Simulated } from '#rpc/retention.ts'
import { useWords } from '#words/context.tsx'
import { daysOf, daysText, keptText } from '#words/length.ts'
import type { Words } from '#words/words.ts'
import { Going } from './keep-going.tsx'

const DAY = 86_400
const AGES = [90, 180, ...[1, 2, 3, 5, 10, 15, 20, 30].map(daysOf)]
const NOTICES = [7, 14, 30, 90].map(d => d * DAY)

/** `choices`, and what was chosen elsewhere. */
const withOwn = (choices: readonly number[], own: number): number[] => [...new Set([...choices, own])].sort((a, b) => a - b)

type FormProps = {
  readonly signed: KeepRules | null
  readonly parts: readonly string[]
  readonly onChange: () => void
  readonly onSigned: () => Promise<void>
}

/** New rules, what they would do to the record as it is now, and then the signature. What was changed since must be seen again. */
export function KeepForm({ signed, parts, onChange, onSigned }: FormProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [rules, setRules] = useState<readonly KeepRule[]>(signed?.rules ?? [])
  const [notice, setNotice] = useState(signed?.notice ?? 14 * DAY)
  const [shown, setShown] = useState<Simulated | null>(null)
  const simulating = useDo(async () => setShown(await api.simulateRetention({ rules, notice })))
  const signing = useDo(async () => {
    await api.signRetention({ rules, notice, plan: shown!.plan })
    await onSigned()
  })
  const change = (next: () => void): void => {
    next()
    setShown(null)
    signing.clear()
    onChange()
  }
  const free = parts.filter(p => !rules.some(r => r.part === p))
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    simulating.run()
  }
  return (
    <>
      <Panel title={t(signed ? 'keep.change' : 'keep.new')} icon="paper">
        <form className="kw-stack kw-stack-wide" onSubmit={submit}>
          {rules.map((rule, i) => (
            <RuleFields
              key={rule.part}
              rule={rule}
              free={free}
              onChange={next => change(() => setRules(rules.map((r, at) => (at === i ? next : r))))}
              onRemove={() => change(() => setRules(rules.filter((_, at) => at !== i)))}
            />
          ))}
          {free.length > 0 && (
            <div>
              <Button
                variant="default"
                leftSection={<Icon name="add" size={19} />}
                onClick={() => change(() => setRules([...rules, { part: free[0]!, days: daysOf(10) }]))}
              >
                {t('keep.add')}
              </Button>
            </div>
          )}
          {rules.length > 0 && (
            <NativeSelect
              label={t('keep.noticeAsk')}
              description={t('keep.noticeNote')}
              value={String(notice)}
              onChange={e => change(() => setNotice(Number(e.currentTarget.value)))}
              data={withOwn(NOTICES, notice).map(s => ({ value: String(s), label: daysText(words, s) }))}
            />
          )}
          <p className="kw-dim">{t('keep.apart')}</p>
          {simulating.error !== null && <Failed error={simulating.error} />}
          {rules.length > 0 && (
            <div>
              <Button type="submit" size="lg" variant={shown ? 'default' : 'filled'} loading={simulating.busy}>
                {t('keep.simulate')}
              </Button>
            </div>
          )}
          <p role="status">{shown && countsText(words, shown, notice)}</p>
        </form>
      </Panel>
      {shown && <Shown shown={shown} busy={signing.busy} error={signing.error} onSign={() => signing.run()} />}
    </>
  )
}

type FieldsProps = {
  readonly rule: KeepRule
  readonly free: readonly string[]
  readonly onChange: (rule: KeepRule) => void
  readonly onRemove: () => void
}

function RuleFields({ rule, free, onChange, onRemove }: FieldsProps) {
  const words = useWords()
  const { t } = words
  const name = partName(words, rule.part)
  return (
    <fieldset className="kw-keep-rule">
      <legend className="kw-hidden">{name}</legend>
      <NativeSelect
        label={t('keep.what')}
        value={rule.part}
        onChange={e => onChange({ ...rule, part: e.currentTarget.value })}
        data={[rule.part, ...free].map(p => ({ value: p, label: partName(words, p) }))}
      />
      <NativeSelect
        label={t('keep.howLong')}
        value={String(rule.days)}
        onChange={e => onChange({ ...rule, days: Number(e.currentTarget.value) })}
        data={withOwn(AGES, rule.days).map(d => ({ value: String(d), label: keptText(words, d) }))}
      />
      <Button variant="subtle" onClick={onRemove}>
        {t('keep.remove')}
        <span className="kw-hidden"> {name}</span>
      </Button>
    </fieldset>
  )
}

function countsText(words: Words, { counts: { now, year, later } }: Simulated, notice: number): string {
  const { t, n } = words
  const at = now ? n('keep.now', now, { time: daysText(words, notice) }) : t('keep.nowNone')
  return [at, year && n('keep.year', year), later && n('keep.later', later)].filter(Boolean).join(' ')
}

type ShownProps = { readonly shown: Simulated; readonly busy: boolean; readonly error: unknown; readonly onSign: () => void }

/** What would go, and when: before anything is signed. */
function Shown({ shown: { counts, first }, busy, error, onSign }: ShownProps) {
  const { t } = useWords()
  return (
    <Panel title={t('keep.shown')} icon="eye">
      <div className="kw-stack">
        {first.length > 0 && <Going going={first} of={counts.now + counts.year + counts.later} dated />}
        <Consequences title={t('record.eraseNot')} items={[t('keep.not1'), t('keep.not2'), t('keep.not3')]} />
        {error !== null && <Failed error={error} />}
        <div>
          <Button size="lg" loading={busy} onClick={onSign}>
            {t('keep.sign')}
          </Button>
        </div>
      </div>
    </Panel>
  )
}
