import { NativeSelect, TextInput } from '@mantine/core'
import { useCallback, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Empty } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { VirtualList } from '#parts/virtual-list.tsx'
import { kindName, partName } from '#record/labels.ts'
import type { SessionView } from '#rpc/clinician.ts'
import type { Found, Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { Line } from './lines.tsx'

/** Rows fetched at once. */
const BLOCK = 100
/** Pixels of a dense line; the style sheet has the same. */
const HEIGHT = 52

type Answer = { readonly found: Found; readonly first: readonly Row[] }
type FindingsProps = {
  readonly session: SessionView
  readonly hrefOf: (id: string) => string
  readonly here: string
  readonly type: string
  /** Images, letters and reports alone. */
  readonly files?: boolean
}

/** Everything of the session by date of care, found and filtered in the worker, drawn by windows. */
export function Findings({ session, hrefOf, here, type, files = false }: FindingsProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const [text, setText] = useState('')
  const [part, setPart] = useState('')
  const [kind, setKind] = useState(type)
  const { value, error, again } = useAsk(async (): Promise<Answer> => {
    const found = await api.sessionFind({ text, compartment: part, type: kind, files })
    return { found, first: await api.sessionWindow({ token: found.token, from: 0, to: BLOCK }) }
  }, [text, part, kind, session.opened.open])
  if (error && !value) return <Failed error={error} onRetry={again} />
  return (
    <div className="kw-stack kw-stack-tight">
      <search className="kw-filters">
        <TextInput
          type="search"
          aria-label={t('session.search')}
          placeholder={t('session.search')}
          leftSection={<Icon name="search" size={20} />}
          value={text}
          onChange={e => setText(e.currentTarget.value)}
        />
        <NativeSelect
          aria-label={t('timeline.part')}
          value={part}
          onChange={e => setPart(e.currentTarget.value)}
          data={[
            { value: '', label: t('timeline.anyPart') },
            ...session.parts.map(p => ({ value: p.name, label: `${partName(words, p.name)} (${words.number(p.count)})` })),
          ]}
        />
        <NativeSelect
          aria-label={t('timeline.kind')}
          value={kind}
          onChange={e => setKind(e.currentTarget.value)}
          data={[
            { value: '', label: t('timeline.anyKind') },
            ...[...new Set([...(value?.found.types ?? []), ...(kind ? [kind] : [])])]
              .map(k => ({ value: k, label: kindName(words, k) }))
              .sort((a, b) => a.label.localeCompare(b.label, words.locale)),
          ]}
        />
      </search>
      {value ? (
        <>
          <p className="kw-dim kw-small" role="status">
            {n('timeline.count', value.found.records)}
            {session.opened.open < session.opened.of && ` · ${t('session.searchNote')}`}
          </p>
          {value.found.records ? (
            <Rows answer={value} hrefOf={hrefOf} here={here} />
          ) : (
            <Empty icon="search" title={t('timeline.nothing')} />
          )}
        </>
      ) : (
        <Waiting />
      )}
    </div>
  )
}

type RowsProps = { readonly answer: Answer; readonly hrefOf: (id: string) => string; readonly here: string }

function Rows({ answer, hrefOf, here }: RowsProps) {
  const words = useWords()
  const { api } = useVault()
  const blocks = useRef({ token: -1, items: new Map<number, readonly Row[]>(), asked: new Set<number>() })
  const [, draw] = useState(0)
  if (blocks.current.token !== answer.found.token)
    blocks.current = { token: answer.found.token, items: new Map([[0, answer.first]]), asked: new Set([0]) }
  const onRange = useCallback(
    (from: number, to: number) => {
      const mine = blocks.current
      for (let b = Math.floor(from / BLOCK); b * BLOCK < to; b++) {
        if (mine.asked.has(b)) continue
        mine.asked.add(b)
        api.sessionWindow({ token: mine.token, from: b * BLOCK, to: (b + 1) * BLOCK }).then(
          items => {
            mine.items.set(b, items)
            if (blocks.current === mine) draw(x => x + 1)
          },
          () => mine.asked.delete(b),
        )
      }
    },
    [api],
  )
  const render = (index: number) => {
    const row = blocks.current.items.get(Math.floor(index / BLOCK))?.[index % BLOCK]
    if (!row) return { content: null }
    const note = [kindName(words, row.type), row.author && words.t('timeline.by', { name: row.author })]
    return { content: <Line row={row} href={hrefOf(row.id)} here={row.id === here} note={note.filter(Boolean).join(' · ')} /> }
  }
  return (
    <div className="kw-panel kw-panel-flush kw-virtual-dense">
      <VirtualList
        key={answer.found.token}
        label={words.t('session.list')}
        count={answer.found.items}
        height={HEIGHT}
        render={render}
        onRange={onRange}
      />
    </div>
  )
}
