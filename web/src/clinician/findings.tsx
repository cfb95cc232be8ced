import { NativeSelect, TextInput } from '@mantine/core'
import { useCallback, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Empty } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { kindName, partName } from '#record/labels.ts'
import { BLOCK, Windowed } from '#record/windowed.tsx'
import type { SessionView } from '#rpc/clinician.ts'
import type { Found, Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { Line } from './lines.tsx'

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
          aria-keyshortcuts="Control+K Meta+K"
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
  const load = useCallback((w: Parameters<typeof api.sessionWindow>[0]) => api.sessionWindow(w), [api])
  const draw = (row: Row) => {
    const note = [kindName(words, row.type), row.author && words.t('timeline.by', { name: row.author })]
    return { key: row.id, content: <Line row={row} href={hrefOf(row.id)} here={row.id === here} note={note.filter(Boolean).join(' · ')} /> }
  }
  return (
    <div className="kw-panel kw-panel-flush kw-virtual-dense">
      <Windowed answer={answer} load={load} label={words.t('session.list')} height={HEIGHT} draw={draw} />
    </div>
  )
}
