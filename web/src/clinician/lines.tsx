import { OutsideMark } from '#parts/outside.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { splitValue, statusName, titleText } from '#record/labels.ts'
import type { Outside } from '#rpc/results.ts'
import type { Row } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { unitLabel } from '#words/fhir.ts'

type LineProps = { readonly row: Row; readonly href: string; readonly here: boolean; readonly note?: string; readonly outside?: Outside }

/** A record in one dense line; a measurement shows its value apart from its name. */
export function Line({ row, href, here, note, outside }: LineProps) {
  const words = useWords()
  const measured = row.type === 'Observation' ? splitValue(row.title) : null
  const status = row.status && !QUIET.has(row.status) ? statusName(words, row.status) : ''
  const unsure = row.trust === 'unverified' ? words.t('timeline.unverified') : ''
  // Beside a value there is no room for a day.
  const day = row.date && words.date(row.date)
  const away = row.heldByAuthor ? words.t('timeline.heldByAuthor') : ''
  const sub = [measured?.value && day, note, status, unsure, away].filter(Boolean).join(' · ')
  return (
    <div className="kw-dense" aria-current={here ? 'true' : undefined}>
      <RecordLine
        href={href}
        title={measured?.value ? measured.name : titleText(row.title)}
        {...(measured?.value ? { value: <Value text={unitLabel(measured.value)} outside={outside} /> } : {})}
        sub={sub || undefined}
        side={measured?.value ? undefined : day}
      />
    </div>
  )
}

const Value = ({ text, outside }: { readonly text: string; readonly outside: Outside | undefined }) => (
  <>
    {outside && <OutsideMark outside={outside} />} {text}
  </>
)

/** States that say nothing, for nearly everything is in them. */
const QUIET = new Set(['final', 'completed', 'finished', 'active', 'current'])
