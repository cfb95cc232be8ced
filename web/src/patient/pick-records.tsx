import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Tag } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { kindName, partName, titleText } from '#record/labels.ts'
import { SENSITIVE } from '#record/sensitive.ts'
import type { Choice } from '#rpc/sharing.ts'
import type { CompartmentView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { yearsAgo } from './share-draft.ts'

const YEARS = [1, 2, 5, 10] as const

type PickProps = {
  readonly parts: readonly CompartmentView[]
  readonly chosen: readonly string[]
  readonly onChoose: (ids: readonly string[]) => void
}

/** Finds records and ticks them; what is found can be taken all at once. */
export function PickRecords({ parts, chosen, onChoose }: PickProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const [text, setText] = useState('')
  const [part, setPart] = useState('')
  const [years, setYears] = useState('')
  const [alone, setAlone] = useState(false)
  const { value, error, again, loading } = useAsk(
    () =>
      api.choose({
        ...(text.trim() ? { text } : {}),
        ...(part ? { compartments: [part] } : {}),
        ...(years ? { since: yearsAgo(Number(years)) } : {}),
        ...(alone ? { ids: chosen } : {}),
      }),
    // The chosen count only while they alone are shown.
    [text, part, years, alone, alone ? chosen.join() : ''],
    ['records'],
  )
  return (
    <fieldset className="kw-choices">
      <legend>{t('sharing.pick')}</legend>
      <search className="kw-filters">
        <TextInput
          type="search"
          aria-label={t('sharing.pickSearch')}
          placeholder={t('sharing.pickSearch')}
          leftSection={<Icon name="search" size={20} />}
          value={text}
          onChange={e => setText(e.currentTarget.value)}
        />
        <NativeSelect
          aria-label={t('sharing.pickPart')}
          value={part}
          onChange={e => setPart(e.currentTarget.value)}
          data={[
            { value: '', label: t('timeline.anyPart') },
            ...parts.filter(p => p.count > 0).map(p => ({ value: p.name, label: `${partName(words, p.name)} (${words.number(p.count)})` })),
          ]}
        />
        <NativeSelect
          aria-label={t('sharing.pickSince')}
          value={years}
          onChange={e => setYears(e.currentTarget.value)}
          data={[
            { value: '', label: t('sharing.pickAnyDate') },
            ...YEARS.map(y => ({ value: String(y), label: n('sharing.sinceYears', y) })),
          ]}
        />
      </search>
      <div className="kw-row kw-row-between">
        <p role="status">
          <strong>{n('sharing.picked', chosen.length)}</strong>
        </p>
        <div className="kw-row">
          {value && value.ids.length > 0 && !alone && (
            // Never those that the words before these found.
            <Button size="xs" variant="light" disabled={loading} onClick={() => onChoose([...new Set([...chosen, ...value.ids])])}>
              {n('sharing.pickAll', value.ids.length)}
            </Button>
          )}
          {chosen.length > 0 && (
            <>
              <Button size="xs" variant="default" aria-pressed={alone} onClick={() => setAlone(a => !a)}>
                {t('sharing.chosenAlone')}
              </Button>
              <Button size="xs" variant="subtle" onClick={() => onChoose([])}>
                {t('sharing.pickNone')}
              </Button>
            </>
          )}
        </div>
      </div>
      {error && !value ? <Failed error={error} onRetry={again} /> : !value ? <Waiting /> : <Rows {...{ value, chosen, onChoose }} />}
    </fieldset>
  )
}

type RowsProps = {
  readonly value: Choice
  readonly chosen: readonly string[]
  readonly onChoose: (ids: readonly string[]) => void
}

function Rows({ value, chosen, onChoose }: RowsProps) {
  const words = useWords()
  const { t, n } = words
  const ticked = new Set(chosen)
  if (!value.ids.length) return <p className="kw-dim">{t('sharing.pickNothing')}</p>
  return (
    <>
      <ul className="kw-pick">
        {value.sample.map(r => (
          <li key={r.id}>
            <label className="kw-choice kw-choice-line">
              <input
                type="checkbox"
                checked={ticked.has(r.id)}
                onChange={e => onChoose(e.currentTarget.checked ? [...chosen, r.id] : chosen.filter(x => x !== r.id))}
              />
              <span className="kw-choice-text">
                <span className="kw-wrap">{titleText(r.title)}</span>
                <span className="kw-line-sub kw-wrap">
                  {[kindName(words, r.type), partName(words, r.compartment), r.date && words.date(r.date)].filter(Boolean).join(' · ')}{' '}
                  {SENSITIVE.has(r.compartment) && <Tag tone="warn">{t('new.sensitive')}</Tag>}
                </span>
              </span>
            </label>
          </li>
        ))}
      </ul>
      {value.ids.length > value.sample.length && <p className="kw-dim">{n('sharing.pickMore', value.ids.length - value.sample.length)}</p>}
    </>
  )
}
