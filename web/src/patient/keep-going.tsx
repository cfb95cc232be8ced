import { RecordLine } from '#parts/record-line.tsx'
import { partName, titleText } from '#record/labels.ts'
import type { GoingView } from '#rpc/retention.ts'
import { useWords } from '#words/context.tsx'

/** Records that go, each by its name; of more than are named, how many. */
export function Going({ going, of, dated }: { readonly going: readonly GoingView[]; readonly of: number; readonly dated?: boolean }) {
  const words = useWords()
  const more = of - going.length
  return (
    <>
      <ul className="kw-lines">
        {going.map(g => (
          <li key={g.id}>
            <RecordLine
              wrap
              href={`#/record/${g.id}`}
              title={titleText(g.title)}
              sub={[partName(words, g.part), dated && words.t('keep.goes', { date: words.day(g.on) })].filter(Boolean).join(' · ')}
            />
          </li>
        ))}
      </ul>
      {more > 0 && <p className="kw-dim">{words.n('keep.more', more)}</p>}
    </>
  )
}
