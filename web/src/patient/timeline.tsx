import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useCallback, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Empty, Page } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { VirtualList } from '#parts/virtual-list.tsx'
import { kindName, partName, rowSub, titleText } from '#record/labels.ts'
import { Excerpt, Sub } from '#record/sub.tsx'
import type { Found, TimelineItem } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'

/** Items fetched at once. */
const BLOCK = 100
const HEIGHT = 72

type Answer = { readonly found: Found; readonly first: readonly TimelineItem[] }

/** Everything by date of care; found and filtered in the worker, drawn by windows. */
export function Timeline({ compartment, type }: { readonly compartment: string; readonly type: string }) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const [text, setText] = useState('')
  const [part, setPart] = useState(compartment)
  const [kind, setKind] = useState(type)
  const parts = useAsk(() => api.compartments(null), [], ['records'])
  const { value, error, again } = useAsk(
    async (): Promise<Answer> => {
      const found = await api.find({ text, compartment: part, type: kind })
      return { found, first: await api.window({ token: found.token, from: 0, to: BLOCK }) }
    },
    [text, part, kind],
    ['records'],
  )
  const filtered = text.trim() !== '' || part !== '' || kind !== ''
  const clear = (): void => {
    setText('')
    setPart('')
    setKind('')
  }
  return (
    <Page title={t('timeline.title')} tab={t('timeline.title')}>
      <search className="kw-filters">
        <TextInput
          type="search"
          aria-label={t('timeline.search')}
          placeholder={t('timeline.search')}
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
            ...(parts.value ?? [])
              .filter(c => c.count > 0 || c.name === part)
              .map(c => ({ value: c.name, label: `${partName(words, c.name)} (${words.number(c.count)})` })),
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
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <div className="kw-stack kw-stack-tight">
          <p className="kw-dim" role="status">
            {n('timeline.count', value.found.records)}
          </p>
          {value.found.records ? (
            <Rows answer={value} />
          ) : filtered ? (
            <Empty
              icon="search"
              title={t('timeline.nothing')}
              actions={
                <Button variant="default" onClick={clear}>
                  {t('timeline.clear')}
                </Button>
              }
            >
              {t('timeline.nothingLead')}
            </Empty>
          ) : (
            <Empty
              icon="folder"
              title={t('timeline.empty')}
              actions={
                <Button component="a" href="#/add">
                  {t('home.emptyAdd')}
                </Button>
              }
            />
          )}
        </div>
      )}
    </Page>
  )
}

function Rows({ answer }: { readonly answer: Answer }) {
  const words = useWords()
  const { api } = useVault()
  const blocks = useRef({ token: -1, items: new Map<number, readonly TimelineItem[]>(), asked: new Set<number>() })
  const [, draw] = useState(0)
  if (blocks.current.token !== answer.found.token)
    blocks.current = { token: answer.found.token, items: new Map([[0, answer.first]]), asked: new Set([0]) }
  const onRange = useCallback(
    (from: number, to: number) => {
      const mine = blocks.current
      for (let b = Math.floor(from / BLOCK); b * BLOCK < to; b++) {
        if (mine.asked.has(b)) continue
        mine.asked.add(b)
        api.window({ token: mine.token, from: b * BLOCK, to: (b + 1) * BLOCK }).then(
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
    const item = blocks.current.items.get(Math.floor(index / BLOCK))?.[index % BLOCK]
    if (!item) return { content: null }
    if ('year' in item)
      return {
        className: 'kw-year',
        content: (
          <div className="kw-year-name">
            <h2 className="kw-display">{item.year || words.t('timeline.undated')}</h2>
            <span className="kw-dim kw-number">{words.number(item.count)}</span>
          </div>
        ),
      }
    return {
      content: (
        <RecordLine
          href={`#/record/${item.id}`}
          type={item.type}
          title={titleText(item.title)}
          sub={<Sub date={item.date} text={item.excerpt ? <Excerpt parts={item.excerpt} /> : rowSub(words, item)} />}
          side={item.date && words.date(item.date)}
        />
      ),
    }
  }
  return (
    <div className="kw-panel kw-panel-flush">
      <VirtualList
        key={answer.found.token}
        label={words.t('timeline.list')}
        count={answer.found.items}
        height={HEIGHT}
        render={render}
        onRange={onRange}
      />
    </div>
  )
}
